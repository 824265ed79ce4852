import assert from 'node:assert/strict';
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { connectRotations, createStatus } from '@rekey/api';
import { type CommandDependencies, type Commands, createCommands } from '@rekey/commands';
import { findSnapshot, loadInstallation, type RotationView } from '@rekey/control';
import { openStore } from '@rekey/db';
import { keysOf } from '@rekey/jobs';
import { Redis } from 'ioredis';
import { patient } from '../harness/patient.ts';
import { until } from '../harness/wait.ts';
import { checkError } from './check-error.ts';
import {
  type Answer,
  bearer,
  emptyTenant,
  liveApi,
  rotateCall,
  rotationsPath,
  seededTenant,
} from './live-api.ts';

const api = await liveApi();
const store = openStore({ ...patient, url: api.database.url, onError: () => {} });
test.after(() => store.end());
const keys = keysOf(api.redis.prefix, await loadInstallation(store));
const redis = new Redis(api.redis.url);
test.after(() => redis.disconnect());
await until(async () => (await api.snapshots.check()) === null, { what: 'the API is connected' });

const adminOf = (tenantId: string) => bearer({ roles: ['security_admin'], tenantId });
const call = (method: string, id: string, tail: string, headers: Record<string, string>): Promise<Answer> =>
  api.send({ method, path: `${rotationsPath}/rot-${id}${tail}`, headers });
const started = async (tenantId: string): Promise<string> =>
  (await api.send(rotateCall(tenantId))).json.data.rotationId.slice(4);
const truth = async (id: string): Promise<{ view: RotationView; version: number }> => {
  const found = await findSnapshot(store, id);
  assert.ok(found !== null);
  return found;
};
const forge = async (id: string, view: object, version = 1_000, final = 0): Promise<void> => {
  const json = JSON.stringify(view);
  const text = `rekey-snapshot-1\n${id}\n${(view as RotationView).tenantId}\n${version}\n${final}\n${json}`;
  const mac = createHmac('sha256', randomBytes(32)).update(text).digest('base64url');
  await redis.set(`${keys}:progress:${id}`, `${version} ${final} ${mac} ${json}`);
};
const ended = (view: RotationView): RotationView => ({
  ...view,
  status: 'completed',
  phase: 'done',
  completedAt: new Date(),
  percentComplete: 100,
});

test('whoever writes to Redis does not make the API tell an end that is none, nor a rotation that is none', async () => {
  const { tenantId } = await seededTenant(api.database);
  const id = await started(tenantId);
  const { view } = await truth(id);
  for (const final of [0, 1]) {
    await forge(id, ended(view), 1_000, final);
    for (let i = 0; i < 3; i += 1) {
      const { json } = await call('GET', id, '', adminOf(tenantId));
      assert.deepEqual([json.data.status, json.data.percentComplete], ['in_progress', 0]);
    }
  }
  const ghost = randomUUID();
  await forge(ghost, { ...ended(view), id: ghost });
  checkError(await call('GET', ghost, '', adminOf(tenantId)), 'ROTATION_NOT_FOUND');
});

test("a tenant's administrator with a pen in Redis neither cancels nor reads another tenant's rotation", async () => {
  const [mine, theirs] = [await emptyTenant(api.database), await emptyTenant(api.database)];
  const [own, victim] = [await started(mine), await started(theirs)];
  const { view } = await truth(victim);
  await store.query(
    `insert into rekey.rotation_failures values ($1, 'secrets', 'a-record-of-theirs', 'MALFORMED')`,
    [victim],
  );
  const bait = { ...view, tenantId: mine };
  for (const at of [randomUUID(), victim, own]) {
    await forge(at, bait);
    for (const [method, tail] of [
      ['GET', ''],
      ['GET', '/failures'],
      ['POST', '/cancel'],
    ] as const) {
      if (at === own && tail === '/cancel') continue; // that is theirs to do
      const answer = await call(method, at, tail, adminOf(mine));
      assert.doesNotMatch(answer.text, /a-record-of-theirs/);
      if (at !== own) checkError(answer, 'ROTATION_NOT_FOUND', `${method} ${tail}`);
      else assert.equal(answer.json.data.rotationId, `rot-${own}`);
    }
  }
  assert.equal((await truth(victim)).view.status, 'in_progress');
});

test('what is no snapshot of ours, of whatever kind and size, costs nobody an answer', async () => {
  const { tenantId } = await seededTenant(api.database);
  const id = await started(tenantId);
  const key = `${keys}:progress:${id}`;
  for (const put of [
    () => redis.set(key, '{'),
    () => redis.set(key, 'null'),
    () => redis.set(key, `1 0 ${'A'.repeat(43)} {"__proto__":{"tenantId":"x"}}`),
    () => redis.set(key, 'y'.repeat(20 * 2 ** 20)),
    () => redis.set(key, randomBytes(1_000)),
    () => redis.hset(key, { version: 9, final: 1, view: '{"startedAt":1}' }),
    () => redis.rpush(key, 'x'),
    () => redis.xadd(key, '*', 'a', 'b'),
  ]) {
    await redis.del(key);
    await put();
    for (const tail of ['', '/failures'])
      assert.equal((await call('GET', id, tail, adminOf(tenantId))).status, 200, String(put));
  }
  await redis.del(key);
  assert.equal((await call('POST', id, '/cancel', adminOf(tenantId))).json.data.status, 'cancelled');
});

test('an end that Redis remembers and Postgres does not (a database brought back) is not told', async () => {
  const { tenantId } = await seededTenant(api.database);
  const id = await started(tenantId);
  const { view } = await truth(id);
  // Truly sealed: the worker had ended it before the database was brought back.
  await api.snapshots.publish({ rotationId: id, tenantId, version: 400, final: true, view: ended(view) });
  const { data } = (await call('GET', id, '', adminOf(tenantId))).json;
  assert.deepEqual([data.status, data.completedAt], ['in_progress', null]);
  await redis.del(`${keys}:progress:${id}`);
});

const ada = { kind: 'user', id: 'ada', name: null, email: null } as const;
const commands = (snapshots: CommandDependencies['snapshots']): Commands =>
  createCommands({ store, snapshots, ticketQueue: { enqueue: async () => false } });

/** A status of our own over the real Postgres and Redis, with a clock that we turn. */
function clocked() {
  const clock = { ms: 0 };
  const asked = { count: 0, marks: 0 };
  const rotations = connectRotations(store);
  const find = (ids: readonly string[]) => {
    asked.count += 1;
    return rotations.findAll(ids);
  };
  const marks = (ids: readonly string[]) => {
    asked.marks += 1;
    return rotations.marks(ids);
  };
  const status = createStatus({ find, marks, snapshots: api.snapshots, now: () => clock.ms });
  return { clock, asked, status };
}

test('a live rotation is polled in Redis: Postgres is asked at first and then every ten seconds', async () => {
  const { tenantId } = await seededTenant(api.database);
  const id = await started(tenantId);
  const { view } = await truth(id);
  const { clock, asked, status } = clocked();
  await status.of(id);
  for (let i = 1; i <= 500; i += 1) {
    clock.ms += 19.9;
    if (i % 10 === 1) {
      const live = { ...view, percentComplete: i / 10 };
      await api.snapshots.publish({ rotationId: id, tenantId, version: i, final: false, view: live });
    }
    assert.equal((await status.of(id))?.percentComplete, (i - ((i - 1) % 10)) / 10);
  }
  assert.equal(asked.count, 1);
  clock.ms += 100;
  await status.of(id);
  assert.equal(asked.count, 2);
});

test('a snapshot that was shown before is not shown again after a newer one, nor for ever', async () => {
  const { tenantId } = await seededTenant(api.database);
  const id = await started(tenantId);
  const { view } = await truth(id);
  const { clock, asked, status } = clocked();
  const key = `${keys}:progress:${id}`;
  const publish = async (version: number): Promise<string> => {
    await redis.del(key);
    const live = { ...view, percentComplete: version };
    await api.snapshots.publish({ rotationId: id, tenantId, version, final: false, view: live });
    return (await redis.get(key)) ?? '';
  };
  await status.of(id);
  const old = await publish(5);
  assert.equal((await status.of(id))?.percentComplete, 5);
  await publish(9);
  assert.equal((await status.of(id))?.percentComplete, 9);
  await redis.set(key, old);
  assert.notEqual((await status.of(id))?.percentComplete, 5, 'replayed');
  assert.equal(asked.count, 2);

  // Postgres has gone further and ended; Redis shows one and the same truly sealed snapshot, and does not let it lapse.
  const frozen = await publish(50);
  await redis.set(key, frozen);
  assert.equal((await status.of(id))?.percentComplete, 50);
  await commands({ publish: async () => false }).cancelRotation(ada, { rotationId: id });
  clock.ms += 10_000;
  assert.equal((await status.of(id))?.status, 'cancelled');
  clock.ms += 5_000;
  assert.equal((await status.of(id))?.status, 'cancelled');
  assert.equal(await redis.get(key), frozen);
});

test('an end is told by Postgres at most once a second, and told no longer than Postgres tells it', async () => {
  const { tenantId } = await seededTenant(api.database);
  const id = await started(tenantId);
  await commands(api.snapshots).cancelRotation(ada, { rotationId: id });
  const { clock, asked, status } = clocked();
  for (let i = 0; i < 100; i += 1) assert.equal((await status.of(id))?.status, 'cancelled');
  assert.equal(asked.count, 1);
  clock.ms += 1_000;
  await status.of(id);
  assert.equal(asked.count, 2);
});
