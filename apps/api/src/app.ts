import { type FastifyInstance, type FastifyRequest, fastify } from 'fastify';
import { addRoutes } from './add-routes.ts';
import { brokenRequestAnswerer } from './answer-broken-request.ts';
import { errorAnswerer } from './answer-errors.ts';
import { authenticate } from './auth/authenticate.ts';
import { type AuthSettings, buildAuthentication } from './auth/settings.ts';
import { clientAddress, type TrustProxy } from './client-address.ts';
import { commonHeaders, requestIdOf } from './common-headers.ts';
import { consoleRoutes } from './console/by-cookie.ts';
import { addConsole, consolePaths } from './console/console.ts';
import type { ConsoleSettings } from './console/settings.ts';
import type { ApiDependencies } from './dependencies.ts';
import { openApi } from './document/openapi.ts';
import { createFollowing } from './follow/following.ts';
import { limitStreams, type StreamLimits, streamLimits } from './follow/stream-limits.ts';
import { buildGuards } from './guards.ts';
import { answerOddRequests, requireOneHost, serverOptions } from './http-server.ts';
import { inOrder } from './in-order.ts';
import { addressLimiter, callerLimiter, type RateLimits } from './rate-limits.ts';
import { readBody } from './read-body.ts';
import { cameTo, type Noted, requestLog } from './request-log.ts';
import { routes } from './routes/index.ts';
import { allow, unknownRoutes } from './unknown-routes.ts';

export interface ApiSettings {
  readonly auth: AuthSettings;
  readonly limits: RateLimits;
  readonly trustProxy: TrustProxy;
  /** Between the end of a tenant's rotation and the start of its next one, except for a `super_admin`; 0: none. */
  readonly rotationIntervalSeconds?: number;
  /** How many rotations may be followed at once. */
  readonly streams?: StreamLimits;
  /** Null or absent: it is not served. */
  readonly console?: ConsoleSettings | null;
}

/** The largest body we take is a pasted token of the console; an operation's is some hundred bytes. */
const bodyBytesMax = 16 * 1024;

/** The HTTP side of Rekey, ready to listen or to be injected into. Close it before its dependencies. */
export async function buildApi(settings: ApiSettings, deps: ApiDependencies): Promise<FastifyInstance> {
  const answerError = errorAnswerer(deps.logger);
  const logRequest = requestLog(deps.logger);
  const addressOf = clientAddress(settings.trustProxy);
  const app = fastify({
    bodyLimit: bodyBytesMax,
    ...serverOptions,
    // A request that slips in on a kept-alive connection during closing is served, not turned away.
    return503OnClosing: false,
    genReqId: requestIdOf,
    // What Fastify refuses before any hook runs.
    frameworkErrors: (error, request, reply) => {
      request.address = addressOf(request.raw);
      request.noted = {};
      answerError(error, request, reply);
      logRequest(request, reply);
    },
    clientErrorHandler: brokenRequestAnswerer(deps.logger),
    // Bounded by Node's limit on headers; a long id is just one that does not exist.
    routerOptions: { maxParamLength: 16 * 1024 },
  });

  answerOddRequests(app.server, allow(routes), deps.logger);

  app.decorateRequest('caller', null);
  app.decorateRequest('address', 'unknown');
  app.decorateRequest('noted', undefined as unknown as Noted);
  app.setErrorHandler(answerError);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) =>
    readBody(body),
  );

  const ofConsole = settings.console == null ? [] : [...consolePaths, ...consoleRoutes(routes)];
  const unknownRoute = unknownRoutes([...routes, ...ofConsole]);
  app.addHook('onRequest', (request, reply, done) => {
    request.address = addressOf(request.raw);
    request.noted = {};
    reply.headers(commonHeaders(request.id));
    done();
  });
  const requireRoute = (request: FastifyRequest): void => {
    if (request.is404) throw unknownRoute(request);
  };
  app.addHook('onRequest', inOrder([requireOneHost, requireRoute]));
  app.addHook('onResponse', (request, reply, done) => {
    logRequest(request, reply);
    const { operationId = null, isRecorded = false } = request.routeOptions.config;
    deps.onAnswer?.(operationId, reply.statusCode, reply.elapsedTime / 1_000);
    deps.accesses.note(request, { operation: operationId, outcome: cameTo(request, reply), isRecorded });
    done();
  });

  const authentication = await buildAuthentication(app, settings.auth);
  const { readsPerMinute, writesPerMinute } = settings.limits;
  const reads = { ofAddress: addressLimiter(readsPerMinute), ofCaller: callerLimiter(readsPerMinute) };
  const writes = { ofAddress: addressLimiter(writesPerMinute), ofCaller: callerLimiter(writesPerMinute) };
  const guardsOf = buildGuards(reads, writes, authenticate(authentication, deps.logger));

  const following = createFollowing(
    deps.rotations,
    limitStreams(settings.streams ?? streamLimits),
    deps.logger,
  );
  // Before the server waits for its connections to end: these would not by themselves.
  app.addHook('preClose', async () => following.close());

  const context = {
    ...deps,
    rotationIntervalSeconds: settings.rotationIntervalSeconds ?? 0,
    following,
    document: () => openApi(routes),
  };
  addRoutes(app, routes, guardsOf, context);
  if (settings.console != null) {
    const { auth, console } = settings;
    const limits = { reads, writes };
    await addConsole(app, console, { auth, authentication, limits, routes, context, logger: deps.logger });
  }
  await app.ready();
  return app;
}
