import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { fastify } from 'fastify';
import { brokenRequestAnswerer } from './answer-broken-request.ts';
import { errorAnswerer } from './answer-errors.ts';
import { authenticate } from './auth/authenticate.ts';
import { type AuthSettings, buildAuthentication } from './auth/settings.ts';
import { clientAddress, type TrustProxy } from './client-address.ts';
import { commonHeaders, requestIdOf } from './common-headers.ts';
import type { ApiDependencies } from './dependencies.ts';
import { buildGuards } from './guards.ts';
import { answerOddRequests, requireOneHost, serverOptions } from './http-server.ts';
import { addOpenApiRoute, describeApi } from './openapi.ts';
import { addressLimiter, callerLimiter, type RateLimits } from './rate-limits.ts';
import { readBody } from './read-body.ts';
import { type Noted, requestLog } from './request-log.ts';
import type { ApiInstance } from './routes/api-instance.ts';
import { addCancelRoute } from './routes/cancel.ts';
import { addFailuresRoute } from './routes/failures.ts';
import { addHealthRoutes } from './routes/health.ts';
import { addRotateRoute } from './routes/rotate.ts';
import { addRotationRoute } from './routes/rotation.ts';
import { unknownRoutes } from './unknown-routes.ts';

export interface ApiSettings {
  readonly auth: AuthSettings;
  readonly limits: RateLimits;
  readonly trustProxy: TrustProxy;
  /** Between the end of a tenant's rotation and the start of its next one, except for a `super_admin`; 0: none. */
  readonly rotationIntervalSeconds?: number;
}

/** The only body we take is `{"tenantId":"…"}`; the rest is room for whitespace. */
const bodyBytesMax = 16 * 1024;
/** The HTTP side of Rekey, ready to listen or to be injected into. Close it before its dependencies. */
export async function buildApi(settings: ApiSettings, deps: ApiDependencies): Promise<ApiInstance> {
  const answerError = errorAnswerer(deps.logger);
  const logRequest = requestLog(deps.logger);
  const addressOf = clientAddress(settings.trustProxy);
  const app: ApiInstance = fastify({
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
  }).withTypeProvider<TypeBoxTypeProvider>();

  answerOddRequests(app.server, deps.logger);

  app.decorateRequest('caller', null);
  app.decorateRequest('address', 'unknown');
  app.decorateRequest('noted', undefined as unknown as Noted);
  app.setErrorHandler(answerError);
  // Routes validate themselves (`validated`) and answer typed objects: their schemas only document.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) =>
    readBody(body),
  );

  const unknownRoute = unknownRoutes(app);
  app.addHook('onRequest', async (request, reply) => {
    request.address = addressOf(request.raw);
    request.noted = {};
    reply.headers(commonHeaders(request.id));
    requireOneHost(request);
    if (request.is404) throw unknownRoute(request);
  });
  app.addHook('onResponse', async (request, reply) => logRequest(request, reply));

  await describeApi(app);
  const authentication = await buildAuthentication(app, settings.auth);
  const { readsPerMinute, writesPerMinute } = settings.limits;
  const guards = buildGuards(
    { ofAddress: addressLimiter(readsPerMinute), ofCaller: callerLimiter(readsPerMinute) },
    { ofAddress: addressLimiter(writesPerMinute), ofCaller: callerLimiter(writesPerMinute) },
    authenticate(authentication, deps.logger),
  );

  addRotateRoute(app, guards, deps, settings.rotationIntervalSeconds ?? 0);
  addRotationRoute(app, guards, deps);
  addFailuresRoute(app, guards, deps);
  addCancelRoute(app, guards, deps);
  addHealthRoutes(app, deps);
  addOpenApiRoute(app);
  await app.ready();
  return app;
}
