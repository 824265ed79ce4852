import assert from 'node:assert/strict';
import { test } from 'node:test';
import { installation } from '../harness/installation.ts';
import { call } from './call.ts';

const rekey = await installation();
const env = { REKEY_URL: rekey.apis[0]?.url ?? '', REKEY_TOKEN: rekey.token };
const { tenantId } = await rekey.seedTenant(17);

test('a plan is made, waited for and told; a rotation is started with one that was agreed to', async () => {
  const planned = await call(env, 'plan', '--tenant', tenantId, '--check', 'all');
  assert.equal(planned.code, 0, planned.err);
  assert.match(planned.out, /^plan-\S+ {2}\d+ credentials, .+ to re-encrypt, in 3 ranges\n/);
  assert.match(planned.out, /opened +17 records, of which 0 will not open\n/);
  assert.match(planned.out, /time .+ seconds, assumed/);
  const [planId = ''] = /plan-\S+/.exec(planned.out) ?? [];
  const told = JSON.parse((await call(env, 'plan', '--id', planId, '--json')).out);
  assert.deepEqual([told.planId, told.status], [planId, 'completed']);
  assert.equal((await call(env, 'plan')).code, 2);
  assert.equal((await call(env, 'plan', '--id', 'plan-1')).code, 4);

  const unasked = await call(env, 'rotate', '--tenant', tenantId, '--plan');
  assert.equal(unasked.code, 2);
  assert.match(unasked.err, /--yes: nothing was started/);
  const rotated = await call(env, 'rotate', '--tenant', tenantId, '--plan', '--yes', '--watch');
  assert.equal(rotated.code, 0, rotated.err);
  assert.match(rotated.err, /plan-\S+ .+ to re-encrypt/);
  assert.match(rotated.out, /planned +\S+ to \S+ seconds/);
  assert.match(rotated.out, /took +\S+ seconds, \d+ KMS calls/);
});
