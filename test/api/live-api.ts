import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import {
  type Accesses,
  type ApiSettings,
  buildApi,
  connectAudit,
  connectCampaigns,
  connectKeys,
  connectPolicies,
  connectRotations,
  connectSessions,
  createAccesses,
  createStatus,
} from '@rekey/api';
import { createCommands } from '@rekey/commands';
import { loadInstallation, noteAccesses, reviveView } from '@rekey/control';
import { openStore } from '@rekey/db';
import { createIdentity, createSnapshots, createTicketQueue } from '@rekey/jobs';
import { createLogger } from '@rekey/runtime';
import { type Owner, thisFile } from '../harness/cleanup.ts';
import { createTestDatabase, type TestDatabase } from '../harness/database.ts';
import { patient } from '../harness/patient.ts';
import { testRedis } from '../harness/redis.ts';
import { signHs256 } from '../harness/tokens.ts';
import { watchAnswers } from './watch-answers.ts';

export const jwtSecret = 'a secret for tests, of more than 32 bytes';
export const rotatePath = '/api/v1/admin/dek/rotate';
export const rotationsPath = '/api/v1/admin/dek/rotations';

export const hs256 = {
  kind: 'hs256',
  defaultRealm: 'default',
  claimPaths: {
    tenant: [['tenantId'], ['tenant_id']],
    roles: [['roles'], ['realm_access', 'roles'], ['resource_access', '*', 'roles']],
  },
  secret: jwtSecret,
  issuer: undefined,
  audience: undefined,
} satisfies ApiSettings['auth'];

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came back
  readonly json: any;
}

export interface Call {
  readonly method?: string;
  readonly path?: string;
  /** Undefined removes a header that would be sent by default; an array sends it several times. */
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly raw?: string | Buffer;
}

export interface LiveApi {
  readonly url: string;
  readonly database: TestDatabase;
  readonly redis: { readonly url: string; readonly prefix: string };
  readonly snapshots: ReturnType<typeof createSnapshots<NonNullable<ReturnType<typeof reviveView>>>>;
  /** What counts refusals and reads; its `close` writes those that are held. */
  readonly accesses: Accesses;
  /** Every line the API has logged. */
  readonly log: string[];
  send(call: Call): Promise<Answer>;
}

/**
 * The API over the real Postgres and Redis, listening on a free port, in this process; closed by its owner, who then fails
 * if any answer was not as the document says.
 */
export async function liveApi(
  settings: Partial<ApiSettings> = {},
  {
    owner = thisFile,
    redisUrl,
    databaseUrl,
  }: { owner?: Owner; redisUrl?: string; databaseUrl?: string } = {},
): Promise<LiveApi> {
  const database = await createTestDatabase(owner);
  const redis = testRedis(owner);
  const log: string[] = [];
  const onError = (): void => {};
  // One that a test names may be away, and then counts how long that takes.
  const patience = databaseUrl === undefined ? { connectTimeoutMs: patient.connectTimeoutMs } : {};
  const store = openStore({ url: databaseUrl ?? database.url, ...patience, onError });
  const identity = createIdentity(() => loadInstallation(store));
  await identity.get().catch(() => {}); // some tests have no Postgres
  const redisSettings = { identity, redisUrl: redisUrl ?? redis.url, prefix: redis.prefix, onError };
  const ticketQueue = createTicketQueue(redisSettings);
  const snapshots = createSnapshots(redisSettings, reviveView);
  const rotations = connectRotations(store);
  const logger = createLogger({ name: 'api', level: 'debug', write: (line) => log.push(line) });
  // On a clock that stands, so that nothing is recorded between two looks of a test: it says itself when.
  const startedMs = Date.now();
  const accesses = createAccesses(
    (counted) => noteAccesses(store, counted),
    logger,
    () => startedMs,
  );
  const app = await buildApi(
    { auth: hs256, limits: { readsPerMinute: 0, writesPerMinute: 0 }, trustProxy: false, ...settings },
    {
      rotations,
      audit: connectAudit(store),
      keys: connectKeys(store),
      policies: connectPolicies(store),
      campaigns: connectCampaigns(store),
      sessions: connectSessions(store),
      status: createStatus({ find: rotations.findAll, marks: rotations.marks, snapshots }),
      accesses,
      commands: createCommands({ store, snapshots, ticketQueue }),
      redis: snapshots,
      logger,
    },
  );
  const outside = watchAnswers(app.server);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  owner.after(async () => {
    await app.close();
    await accesses.close();
    await ticketQueue.close();
    await snapshots.close();
    await store.end();
    assert.deepEqual(outside.slice(0, 10), [], 'every answer is as the document says');
  });
  return { url, database, redis, snapshots, accesses, log, send: (call) => send(url, call) };
}

/** One HTTP exchange by node:http, so that odd headers go out as they are. */
export function send(
  url: string,
  { method = 'GET', path = '/', headers = {}, body, raw }: Call,
): Promise<Answer> {
  const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const sent = Object.entries<string | string[] | undefined>({
    ...(payload === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) }),
    ...headers,
  }).filter((entry): entry is [string, string | string[]] => entry[1] !== undefined);
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const outgoing = httpRequest({ hostname, port, method, path, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const isJson = /^application\/json(;|$)/.test(incoming.headers['content-type'] ?? '') && text !== '';
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          text,
          json: isJson ? JSON.parse(text) : null,
        });
      });
    });
    outgoing.on('error', reject);
    for (const [name, value] of sent) outgoing.setHeader(name, value);
    outgoing.end(payload);
  });
}

export const inAnHour = (): number => Math.floor(Date.now() / 1_000) + 3_600;

/** A good token; claims given replace its own, undefined removes one. */
export function token(claims: Record<string, unknown> = {}, secret = jwtSecret): string {
  return signHs256(secret, {
    sub: 'ada',
    name: 'Ada Example',
    email: 'ada@example.com',
    roles: ['super_admin'],
    exp: inAnHour(),
    ...claims,
  });
}

export function bearer(claims: Record<string, unknown> = {}): { authorization: string } {
  return { authorization: `Bearer ${token(claims)}` };
}

/** A rotate call that succeeds for that tenant, unless something in it is replaced. */
export function rotateCall(tenantId: string, replaced: Call = {}): Call {
  return {
    method: 'POST',
    path: rotatePath,
    body: { tenantId },
    ...replaced,
    headers: { ...bearer(), 'x-tenantid': tenantId, ...replaced.headers },
  };
}

/** A tenant without a DEK and without records. */
export async function emptyTenant(database: TestDatabase): Promise<string> {
  const id = randomUUID();
  const pool = database.pool({ max: 1 });
  await pool.query('insert into rekey.tenants (id, name) values ($1, $2)', [id, 'a tenant']);
  await pool.end();
  return id;
}

/** A tenant with an active DEK and 25 credentials, 10 API keys and 50 secrets under it, which nobody can open. */
export async function seededTenant(database: TestDatabase): Promise<{ tenantId: string; dekId: string }> {
  const tenantId = await emptyTenant(database);
  const dekId = randomUUID();
  const pool = database.pool({ max: 1 });
  await pool.query(
    `insert into rekey.deks (id, tenant_id, key_number, state) values ($1, $2, 1, 'pre_active')`,
    [dekId, tenantId],
  );
  await pool.query(
    `insert into rekey.dek_material (dek_id, kek_uri, wrapped) values ($1, 'local:test', $2)`,
    [dekId, Buffer.alloc(60)],
  );
  await pool.query(`update rekey.deks set state = 'active' where id = $1`, [dekId]);
  for (const [table, count] of [
    ['credentials', 25],
    ['api_keys', 10],
    ['secrets', 50],
  ] as const) {
    await pool.query(
      `insert into public.${table} (id, tenant_id, name, key_number, ciphertext)
       select gen_random_uuid(), $1, 'record ' || n, 1, '\\x01'::bytea || int4send(1) || $2 from generate_series(1, $3) n`,
      [tenantId, Buffer.alloc(60), count],
    );
  }
  await pool.end();
  return { tenantId, dekId };
}
