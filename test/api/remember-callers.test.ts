import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mock, test } from 'node:test';
import { rememberCallers } from '@rekey/api';
import { checkError } from './check-error.ts';
import { liveApi, rotateCall, token } from './live-api.ts';

/** Tokens here are their own `sub`, hold until `untilMs`, and are counted as they are verified. */
function setUp() {
  const state = { keys: 1 as number | null, nowMs: 1_000_000, untilMs: 1_060_000, verified: [] as string[] };
  const verify = async (sub: string) => {
    state.verified.push(sub);
    if (sub === 'forged') throw new Error('it does not hold');
    return { sub, exp: state.untilMs / 1_000 };
  };
  const find = rememberCallers(
    { verify, keysInForce: () => state.keys },
    ({ sub }) => (typeof sub === 'string' && sub !== 'nobody' ? callerOf(sub) : null),
    () => state.nowMs,
  );
  return { state, find };
}

const callerOf = (id: string) => ({
  realm: 'a',
  id,
  name: null,
  email: null,
  roles: ['super_admin'] as const,
  tenantId: null,
  expiresAtMs: null,
});

test('a token that held is verified once, each for itself; one that does not hold, every time', async () => {
  const { state, find } = setUp();
  for (const sub of ['ada', 'ada', 'ada2', 'ada', 'Ada'])
    assert.deepEqual(await find(sub), callerOf(sub), sub);
  assert.deepEqual(state.verified.splice(0), ['ada', 'ada2', 'Ada']);
  for (let call = 0; call < 2; call += 1) {
    await assert.rejects(async () => find('forged'));
    assert.equal(await find('nobody'), null);
  }
  assert.deepEqual(state.verified, ['forged', 'nobody', 'forged', 'nobody']);
});

test('it is verified anew once it expires, and when the clock was set back behind the moment it held', async () => {
  const { state, find } = setUp();
  await find('ada');
  state.nowMs = state.untilMs - 1;
  await find('ada');
  assert.equal(state.verified.length, 1);
  state.nowMs = state.untilMs;
  await find('ada');
  assert.equal(state.verified.length, 2, 'expired');
  state.nowMs = 1_000_000;
  await find('ada');
  assert.equal(state.verified.length, 3, 'the clock was set back');
});

test('it is verified anew when the keys changed, while they must be looked up, and when they changed meanwhile', async () => {
  const { state, find } = setUp();
  await find('ada');
  state.keys = 2;
  await find('ada');
  assert.equal(state.verified.length, 2, 'other keys');
  state.keys = null;
  await find('ada');
  await find('ada');
  assert.equal(state.verified.length, 4, 'keys to be looked up');
  state.keys = 2;
  const underWay = find('ada');
  state.keys = 3;
  await underWay;
  await find('ada');
  assert.equal(state.verified.length, 6, 'other keys since the verification began');
});

test('of very many callers the first are forgotten', async () => {
  const { state, find } = setUp();
  for (let n = 0; n <= 10_000; n += 1) await find(`caller ${n}`);
  state.verified.splice(0);
  await find('caller 1');
  await find('caller 10000');
  assert.deepEqual(state.verified, []);
  await find('caller 0');
  assert.deepEqual(state.verified, ['caller 0']);
});

test('a token that was admitted is refused once it has expired, and before it is valid', async (t) => {
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const jwt = token({ nbf: nowSeconds, exp: nowSeconds + 60 });
  t.after(() => mock.timers.reset());
  mock.timers.enable({ apis: ['Date'], now: nowSeconds * 1_000 });
  const api = await liveApi();
  for (const [seconds, code] of [
    [0, 'TENANT_NOT_FOUND'],
    [59, 'TENANT_NOT_FOUND'],
    [63, 'TENANT_NOT_FOUND'], // within what clocks may differ
    [70, 'AUTHENTICATION_FAILED'],
    [30, 'TENANT_NOT_FOUND'],
    [-10, 'AUTHENTICATION_FAILED'],
  ] as const) {
    mock.timers.setTime((nowSeconds + seconds) * 1_000);
    const call = rotateCall(randomUUID(), { headers: { authorization: `Bearer ${jwt}` } });
    checkError(await api.send(call), code, `${seconds} s`);
  }
});
