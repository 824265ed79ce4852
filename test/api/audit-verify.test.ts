import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { auditDesk } from './audit-desk.ts';
import { checkError } from './check-error.ts';
import { bearer } from './live-api.ts';

const { api, at, exports, fetchInto, held, newer, outside, size, tenant, verify } = await auditDesk();

test('what was not touched is verified, in both forms, with what is newer counted', async () => {
  assert.deepEqual(
    held.map(({ size: of }) => of > 0),
    [true, true],
  );
  for (const accept of ['application/jsonl', 'text/csv']) {
    const everything = await verify(await fetchInto(exports.everything, accept), ...outside);
    assert.equal(everything.code, 0, everything.text);
    assert.match(everything.text, /^verified .*\n/);
    assert.match(everything.text, new RegExp(`against +checkpoints of size ${held[0]?.size}, ${size}\n`));
    assert.match(everything.text, new RegExp(`newer +${newer}, covered by nothing`));

    const chain = await verify(await fetchInto(exports.chain, accept), ...outside);
    assert.equal(chain.code, 0, chain.text);
    assert.match(chain.text, /^verified /);
    assert.match(chain.text, new RegExp(`newer +${newer}, covered by nothing`));

    const filtered = await verify(await fetchInto(exports.filtered, accept), ...outside);
    assert.equal(filtered.code, 0, filtered.text);
    assert.match(filtered.text, /^authentic .*completeness not claimed/);
    assert.match(filtered.text, /covered +200\n/);
  }
});

test('without anything outside it says what it cannot tell; with a key alone it trusts the checkpoint that came along', async () => {
  const [chain, filtered] = [await fetchInto(exports.chain), await fetchInto(exports.filtered)];
  const alone = await verify(chain);
  assert.deepEqual([alone.code, alone.text.split(' ')[0]], [0, 'whole']);
  const nothing = await verify(filtered);
  assert.deepEqual([nothing.code, nothing.text.split(' ')[0]], [3, 'unclaimed']);
  assert.equal((await verify(chain, '--key', at('key.pem'))).code, 0);
  for (const args of [[...outside].with(3, at('stranger.pem')), ['--key', at('stranger.pem')]]) {
    const { code, text } = await verify(chain, ...args);
    assert.deepEqual([code, /BAD_SIGNATURE/.test(text)], [1, true], text);
  }
  const { text } = await verify(
    await fetchInto(`?tenantId=${tenant}&checkpoint=${held[0]?.size}`),
    ...outside,
  );
  assert.match(text, /covered +4\d\d\n/); // the older one: what came after it is newer
  await writeFile(at('older'), held[0]?.note ?? '');
  assert.match((await verify(chain, '--checkpoint', at('older'))).text, /OTHER_CHECKPOINT/);
});

test('what is called wrongly is not verified', async () => {
  const file = await fetchInto(exports.chain);
  for (const args of [
    [],
    [file, file],
    [at('nowhere')],
    [file, '--checkpoint', at('nowhere')],
    [file, '--checkpoint', at('key.pem')],
    [file, '--key', at('held')],
    [file, '--key', at('key.pem'), '--jwks', at('key.pem')],
    [file, '--sort'],
  ])
    assert.equal((await verify(...args)).code, 2, args.join(' '));
  const unknown = await api.send({
    path: `/api/v1/admin/audit/export?checkpoint=${size + 1}`,
    headers: bearer(),
  });
  checkError(unknown, 'INVALID_REQUEST');
});

test('every line that is changed, left out, doubled or moved is found in the file itself', async () => {
  for (const accept of ['application/jsonl', 'text/csv']) {
    const lines = (await readFile(await fetchInto(exports.chain, accept), 'utf8')).split('\n');
    const last = lines.length - 2;
    const changes: Readonly<Record<string, string[]>> = {
      'a first line': lines.slice(1),
      'an end': lines.toSpliced(last, 1),
      'an event': lines.toSpliced(300, 1),
      'another event': lines.toSpliced(last - 1, 1),
      'a doubled event': lines.toSpliced(300, 0, lines[300] ?? ''),
      'two that changed places': lines.with(300, lines[301] ?? '').with(301, lines[300] ?? ''),
      'a number': lines.with(300, (lines[300] ?? '').replace(/n("+):(\d+)/, 'n$1:9$2')),
      'a member twice': lines.with(300, (lines[300] ?? '').replace('"actor"', '"actor":{},"actor"')),
      'a cell, or a time': lines.with(300, (lines[300] ?? '').replace(/20\d\d-/, '1999-')),
      'something behind it': [...lines.slice(0, -1), lines[300] ?? '', ''],
    };
    for (const [what, changed] of Object.entries(changes)) {
      assert.notDeepEqual(changed, lines);
      await writeFile(at('changed'), changed.join('\n'));
      const { code, text } = await verify(at('changed'));
      assert.equal(code, 1, `${accept}: ${what}\n${text}`);
    }
  }
});
