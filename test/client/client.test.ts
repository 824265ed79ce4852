import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { ClientError, createClient, type Rotation } from '@rekey/client';
import { conforms, RotateResponse, RotationResponse } from '@rekey/contract';
import { emptyTenant, liveApi, seededTenant, token } from '../api/live-api.ts';

const api = await liveApi();
const client = createClient({ url: `${api.url}/`, token: token() });

/** The error that it must end with. */
async function errorOf(work: Promise<unknown>): Promise<ClientError> {
  const error = await work.then(
    () => assert.fail('it succeeded'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ClientError, String(error));
  return error;
}

test('each operation answers what the contract says', async () => {
  const { tenantId } = await seededTenant(api.database);
  const started = await client.rotateDek({ headers: { 'x-tenantid': tenantId }, body: { tenantId } });
  assert.ok(conforms(RotateResponse, started));
  const path = { rotationId: started.data.rotationId };
  assert.ok(conforms(RotationResponse, await client.getRotation({ path })));
  const page = await client.listRotationFailures({ path, query: { limit: 3 } });
  assert.deepEqual([page.data.failures, page.data.nextCursor], [[], null]);
  const cancelled = await client.cancelRotation({ path, headers: { 'x-tenantid': tenantId } });
  assert.equal(cancelled.data.status, 'cancelled');
  assert.equal((await client.livez()).status, 'ok');
  assert.equal((await client.readyz()).checks.postgres, true);
  assert.equal((await client.openApi()).openapi, '3.1.0');
});

test('rotate goes under a key: given again it is the same rotation, without one another', async () => {
  const tenantId = await emptyTenant(api.database);
  const idempotencyKey = randomUUID();
  const first = await client.rotate(tenantId, { idempotencyKey });
  assert.deepEqual(await client.rotate(tenantId, { idempotencyKey }), first);
  const met = await errorOf(client.rotate(tenantId));
  assert.deepEqual(
    [met.code, met.status, met.operation, met.rotationId],
    ['ROTATION_IN_PROGRESS', 409, 'rotateDek', first.rotationId],
  );
});

test('waitFor shows every state and tells how the rotation ended; too long a wait has an end', async () => {
  const tenantId = await emptyTenant(api.database);
  const { rotationId } = await client.rotate(tenantId);
  const seen: Rotation[] = [];
  const tooLong = await errorOf(client.waitFor(rotationId, { everyMs: 5, timeoutMs: 30 }));
  assert.equal(tooLong.code, 'WAITED_TOO_LONG');
  const ended = await client.waitFor(rotationId, {
    everyMs: 5,
    onUpdate: (rotation) => {
      seen.push(rotation);
      if (seen.length === 3) void client.cancelRotation({ path: { rotationId } });
    },
  });
  assert.equal(ended.status, 'cancelled');
  assert.equal(seen.at(-1), ended);
  assert.ok(seen.length > 3 && seen.slice(0, 3).every(({ completedAt }) => completedAt === null));
  const stopped = new Error('enough');
  await assert.rejects(
    client.waitFor(rotationId, {
      onUpdate: () => {
        throw stopped;
      },
    }),
    stopped,
  );
});

test('an error has code, status, request id and issues, and nothing of the token', async () => {
  const secret = token({ sub: 'nobody', roles: ['none'] });
  const refused = await errorOf(createClient({ url: api.url, token: () => secret }).rotate(randomUUID()));
  assert.deepEqual([refused.code, refused.status], ['INSUFFICIENT_PERMISSIONS', 403]);
  assert.match(refused.requestId ?? '', /^[0-9a-f-]{36}$/);
  const shown = JSON.stringify([refused, refused.stack, refused.message]);
  assert.ok(!shown.includes(secret) && !shown.includes(secret.slice(-20)), shown);

  const invalid = await errorOf(client.rotate('no uuid'));
  assert.deepEqual(
    invalid.issues.map(({ path }) => path),
    ['headers.x-tenantid', 'body.tenantId'],
  );
  assert.match(invalid.message, /headers\.x-tenantid is not a valid UUID/);
  const path = { rotationId: '../../../livez?x=/#' };
  assert.equal((await errorOf(client.getRotation({ path }))).code, 'ROTATION_NOT_FOUND', 'one segment');
  const realm = createClient({ url: api.url, token: token(), realm: 'elsewhere' });
  assert.equal((await errorOf(realm.rotate(randomUUID()))).code, 'AUTHENTICATION_FAILED');
});

test('ask tells the answer as it came', async () => {
  const answer = await client.ask('getRotation', { path: { rotationId: `rot-${randomUUID()}` } });
  assert.equal(answer.status, 404);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  assert.ok(JSON.stringify(answer.body).includes('ROTATION_NOT_FOUND'));
});
