import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkError } from './check-error.ts';
import { type Answer, bearer, emptyTenant, liveApi, rotateCall, rotationsPath } from './live-api.ts';

const api = await liveApi();
const pool = api.database.pool();
const tenantId = await emptyTenant(api.database);
const id: string = (await api.send(rotateCall(tenantId))).json.data.rotationId;

const cursorOf = (bytes: string | Buffer): string => Buffer.from(bytes).toString('base64url');
const page = (query: string): Promise<Answer> =>
  api.send({ path: `${rotationsPath}/${id}/failures?${query}`, headers: bearer() });

test('a cursor that was never ours gets 400, whatever bytes or types it hides', async () => {
  const odd: Readonly<Record<string, string | Buffer>> = {
    'NUL in the id': JSON.stringify(['secrets', 'x\0']),
    'NUL in the target': JSON.stringify(['\0', 'x']),
    'NUL as a byte': '["secrets","\0"]',
    'half a surrogate': '["secrets","\\ud800"]',
    'bytes that are no UTF-8 and no JSON': Buffer.from([0xff, 0xfe, 0x00]),
    'no JSON': 'secrets',
    null: 'null',
    'a number': '7',
    'a text': '"secrets"',
    'an object': '{"0":"secrets","1":"x"}',
    'an empty list': '[]',
    'one entry': '["secrets"]',
    'three entries': '["secrets","x","y"]',
    numbers: '[1,2]',
    nulls: '[null,null]',
    lists: '[["secrets"],["x"]]',
    'an object for the id': '["secrets",{}]',
    'nested as deep as it goes': '['.repeat(6_000),
    'something behind it': '["secrets","x"]]',
  };
  for (const [what, bytes] of Object.entries(odd)) {
    const answer = await page(`cursor=${cursorOf(bytes)}`);
    checkError(answer, 'INVALID_REQUEST', what);
    assert.deepEqual(answer.json.error.issues, [
      { path: 'query.cursor', message: 'is not a nextCursor of ours' },
    ]);
  }
  for (const query of [
    'cursor=%00',
    'cursor=x%00',
    'cursor=%ff',
    'cursor=%zz',
    'cursor[]=x',
    'cursor=x&cursor=y',
    `cursor=${'x'.repeat(8_193)}`,
    `%00=${cursorOf('["secrets","x"]')}`,
    `__proto__=1`,
  ]) {
    checkError(await page(query), 'INVALID_REQUEST', query.slice(0, 40));
  }
});

test('the cursor behind any id that a record can have is taken back', async () => {
  const ids = ['', ' ', '"]', '\u{10ffff}', 'ü'.repeat(600), 'x\u0001y', "'; --", `z${'9'.repeat(2_000)}`];
  await pool.query(
    `insert into rekey.rotation_failures (rotation_id, target, record_id, reason)
     select $1, 'secrets', n, 'MALFORMED' from unnest($2::text[]) n`,
    [id.slice(4), ids],
  );
  const seen: string[] = [];
  for (let query = 'limit=1'; ; ) {
    const answer = await page(query);
    assert.equal(answer.status, 200, answer.text);
    seen.push(...answer.json.data.failures.map((failure: { recordId: string }) => failure.recordId));
    if (answer.json.data.nextCursor === null) break;
    query = `limit=1&cursor=${answer.json.data.nextCursor}`;
  }
  assert.deepEqual(seen.sort(), ids.sort());
});

test('NUL and other odd bytes in a path, in any of its places, are a 4xx', async () => {
  for (const part of [
    '%00',
    '%0a',
    '%0d%0a',
    '%7f',
    '%c3%28',
    '%ed%a0%80',
    '%ff',
    '%',
    '%u0000',
    '\\',
    '..%2f',
    '%2e%2e',
  ]) {
    for (const path of [
      `${rotationsPath}/${id}${part}`,
      `${rotationsPath}/${part}${id}`,
      `${rotationsPath}/${part}`,
      `${rotationsPath}/${id}${part}/failures`,
      `${rotationsPath}/${id}/failures${part}`,
      `/${part}livez`,
      `/api/v1/${part}/rotate`,
    ]) {
      const answer = await api.send({ path, headers: bearer() });
      const code = answer.json?.error?.code;
      assert.ok(
        ['INVALID_REQUEST', 'ROTATION_NOT_FOUND', 'NOT_FOUND'].includes(code),
        `${path}: ${answer.text}`,
      );
      checkError(answer, code, path);
    }
  }
});
