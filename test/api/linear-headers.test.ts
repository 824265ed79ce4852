import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { takesUnder } from '../harness/tries.ts';
import { bearer, type Call, liveApi, rotateCall, rotationsPath, token } from './live-api.ts';

const api = await liveApi({ trustProxy: ['127.0.0.1', '10.0.0.0/8', '::1'] });
const nobody = randomUUID();
const status = { path: `${rotationsPath}/rot-${nobody}` };

/** What a header may be made of so that an expression with two ways to read it tries them all. */
const longest = 14_000;
const fills: Readonly<Record<string, (length: number) => string>> = {
  blanks: (length) => ' '.repeat(length),
  tabs: (length) => '\t'.repeat(length),
  semicolons: (length) => ';'.repeat(length),
  commas: (length) => ','.repeat(length),
  quotes: (length) => '"'.repeat(length),
  backslashes: (length) => '\\'.repeat(length),
  equals: (length) => '='.repeat(length),
  dots: (length) => '.'.repeat(length),
  colons: (length) => ':'.repeat(length),
  zeros: (length) => '0'.repeat(length),
  letters: (length) => 'a'.repeat(length),
  parameters: (length) => ';a=b'.repeat(length / 4),
  'open quotes': (length) => ';a="\\"'.repeat(length / 6),
  'trusted addresses': (length) => '10.0.0.1,'.repeat(length / 9),
};

const headers: Readonly<Record<string, (value: string) => Call>> = {
  'content-type': (value) => rotateCall(nobody, { headers: { 'content-type': `application/json${value}x` } }),
  'content-type, its charset': (value) =>
    rotateCall(nobody, { headers: { 'content-type': `application/json;${value}charset${value}=utf-8x` } }),
  accept: (value) => ({ ...status, headers: { ...bearer(), accept: `application/json${value}x` } }),
  'accept, its weight': (value) => ({ ...status, headers: { ...bearer(), accept: `*/*;q=0.${value}x` } }),
  authorization: (value) => ({ ...status, headers: { authorization: `Bearer ${value}.x` } }),
  'authorization, a good token in front': (value) => ({
    ...status,
    headers: { authorization: `Bearer ${token()}${value}!` },
  }),
  'x-tenantid': (value) => rotateCall(nobody, { headers: { 'x-tenantid': `${nobody}${value}x` } }),
  'idempotency-key': (value) => rotateCall(nobody, { headers: { 'idempotency-key': `k${value}\u0080` } }),
  realmname: (value) => ({ ...status, headers: { ...bearer(), realmname: `a${value}x` } }),
  'x-request-id': (value) => ({ ...status, headers: { ...bearer(), 'x-request-id': `a${value}!` } }),
  'x-forwarded-for': (value) => ({ ...status, headers: { ...bearer(), 'x-forwarded-for': `x${value}1` } }),
  'the path': (value) => ({
    path: `${rotationsPath}/rot-${encodeURIComponent(value).slice(0, value.length)}x`,
    headers: bearer(),
  }),
};

/** The shortest of some, so that what else the machine does does not count. */
async function millisecondsOf(call: Call): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 10; tries += 1) {
    const from = performance.now();
    const { status } = await api.send(call);
    best = Math.min(best, performance.now() - from);
    assert.ok(status >= 400 && status < 500, `${status}`);
    if (best < 20) break;
  }
  return best;
}

for (const [header, callWith] of Object.entries(headers)) {
  test(`${header}: 14 KB of anything is answered at once, and with a 4xx`, async () => {
    for (const [kind, fill] of Object.entries(fills)) {
      // Half for the header that holds it twice.
      const length = header === 'content-type, its charset' ? longest / 2 : longest;
      let value = fill(length);
      if (header === 'authorization, a good token in front') value = value.slice(0, length - 1_000);
      const took = await millisecondsOf(callWith(value));
      assert.ok(took < 150, `${kind}: ${took.toFixed(0)} ms`);
    }
  });
}

test('60 calls with a content-type of 14 KB of blanks do not hold the process', async (t) => {
  const call = rotateCall(nobody, { headers: { 'content-type': `application/json${' '.repeat(14_000)}x` } });
  await takesUnder(t, 3_000, async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, () => api.send(call)));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [415]);
  });
});
