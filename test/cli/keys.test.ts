import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatKeyId } from '@rekey/contract';
import { liveApi, seededTenant, token } from '../api/live-api.ts';
import { callHere } from './in-process.ts';

const api = await liveApi();
const env = { REKEY_URL: api.url, REKEY_TOKEN: token() };
const pool = api.database.pool();

test('keys are listed, scheduled, refused an approval, and kept, as the API has it', async () => {
  const { tenantId, dekId } = await seededTenant(api.database);
  const key = formatKeyId(dekId);
  const json = async (...words: string[]) => {
    const said = await callHere(env, ...words, '--json');
    assert.equal(said.code, 0, `${words.join(' ')}: ${said.err}`);
    return JSON.parse(said.out);
  };

  const listed = await callHere(env, 'keys', '--tenant', tenantId);
  assert.equal(listed.code, 0, listed.err);
  assert.match(listed.out, new RegExp(`^${key}\t${tenantId}\t1\tactive\t85\t`, 'm'));
  assert.deepEqual((await json('keys', '--tenant', tenantId, '--state', 'destroyed')).keys, []);
  assert.equal((await callHere(env, 'keys', '--state', 'lost')).code, 2);

  const stands = await callHere(env, 'key', 'destruction', key);
  assert.equal(stands.code, 0, stands.err);
  assert.match(stands.out, /^Nobody has asked for its destruction\.$/m);
  assert.match(
    stands.out,
    /^not met {2}It is active: a rotation has to put another key in its place first\.$/m,
  );
  assert.match(stands.out, /^not met {2}Records stand under it: .*50 in secrets.* \(counted .* UTC\)\.$/m);
  assert.doesNotMatch(stands.out, /[{}]|undefined|null/);

  // Without a terminal nobody can be asked. With --yes the API decides, and it refuses what is in use.
  const unasked = await callHere(env, 'key', 'schedule-destruction', key);
  assert.deepEqual([unasked.code, unasked.out], [2, '']);
  const refused = await callHere(env, 'key', 'schedule-destruction', key, '--yes');
  assert.equal(refused.code, 3, refused.err);
  assert.match(refused.err, /Destruction refused.* out_of_use does not hold\./s);

  await pool.query(`update rekey.deks set state = 'deactivated', deactivated_at = now() where id = $1`, [
    dekId,
  ]);
  await pool.query('select rekey.drain_older($1)', [tenantId]);
  for (const table of ['secrets', 'credentials', 'api_keys'])
    await pool.query(`delete from public.${table} where tenant_id = $1`, [tenantId]);
  await pool.query(`select rekey.change_setting('backup_horizon_seconds', 3600)`);
  const why = ['--reason', 'it is old'];
  const scheduled = await callHere(env, 'key', 'schedule-destruction', key, '--yes', ...why);
  assert.equal(scheduled.code, 0, scheduled.err);
  assert.match(scheduled.out, /^ada asked for its destruction \(it is old\): due \S+ \S+ UTC\.$/m);
  assert.equal((await json('key', 'destruction', key)).request.reason, 'it is old');

  const approved = await callHere({ ...env, REKEY_TOKEN: token({ sub: 'bob' }) }, 'key', 'approve', key);
  assert.equal(approved.code, 3, approved.err);
  assert.match(approved.err, / unused does not hold\.| unused is not known/);

  const kept = await callHere(env, 'key', 'cancel-destruction', key, '--reason', 'a mistake');
  assert.equal(kept.code, 0, kept.err);
  assert.match(kept.out, /^Nobody has asked for its destruction\.$/m);

  for (const [verb = '', ...more] of [
    ['approve'],
    ['cancel-destruction'],
    ['schedule-destruction', '--yes'],
    ['destruction'],
  ])
    assert.equal((await callHere(env, 'key', verb, `dek-${tenantId}`, ...more)).code, 4, verb);
});
