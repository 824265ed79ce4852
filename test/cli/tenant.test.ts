import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { installation } from '../harness/installation.ts';
import { callHere } from './in-process.ts';

const rekey = await installation();
const env = { REKEY_URL: rekey.apis[0]?.url ?? '', REKEY_TOKEN: rekey.token };
const create = (...more: string[]) => callHere(env, 'tenant', 'create', ...more);

test('a tenant is made, its first key waited for, and once', async () => {
  const tenantId = randomUUID();
  const named = ['--name', 'Example Ltd', '--tenant', tenantId.toUpperCase()];
  const made = await create(...named, '--watch', '--timeout', '60s');
  assert.equal(made.code, 0, made.err);
  assert.equal(made.out.split('\n')[0], tenantId);
  assert.match(made.out, /^status +completed, done, 100 %$/m);
  const again = await create(...named, '--json');
  const { rows } = await rekey.store.query<{ id: string; state: string }>(
    'select id, state from rekey.deks where tenant_id = $1',
    [tenantId],
  );
  const [dek] = rows;
  assert.deepEqual([rows.length, dek?.state], [1, 'active']);
  const { keyId, rotationId, name } = JSON.parse(again.out);
  assert.deepEqual([keyId, rotationId, name], [`dek-${dek?.id}`, null, 'Example Ltd']);
});

test('its id is made where none is given, and is all that is printed', async () => {
  const { code, out, err } = await create('--name', 'Another Ltd');
  assert.equal(code, 0);
  assert.match(out, /^[0-9a-f-]{36}\n$/);
  assert.match(err, /^Its first key is being made: rekey wait rot-[0-9a-f-]{36}\n$/);
});

test('what is no tenant is refused', async () => {
  const tenantId = randomUUID();
  assert.equal((await create('--name', 'One', '--tenant', tenantId)).code, 0);
  for (const [wrong, code] of [
    [['--name', 'Two', '--tenant', tenantId], 3],
    [['--name', 'x', '--tenant', 'no-uuid'], 2],
    [['--name', ''], 2],
    [['--name', 'x', '--timeout', 'soon'], 2],
    [[], 2],
  ] as const) {
    const said = await create(...wrong);
    assert.equal(said.code, code, said.err);
    assert.equal(said.out, '');
  }
});
