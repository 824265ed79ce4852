/** What is given to `certificate verify` and `audit verify` in each place where a file is: one line and the right exit code. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  auditVerify,
  certificateVerify,
  pinnedKey,
  seal,
  signerOf,
  statementOf,
  verifyCertificate,
} from '@rekey/evidence';
import { csvHead, csvLine, lastCellOf } from '../../packages/evidence/src/csv.ts';
import { createRowReader } from '../../packages/evidence/src/lines.ts';
import { parseOneForm } from '../../packages/evidence/src/one-form-json.ts';

const folder = await mkdtemp(join(tmpdir(), 'rekey-malformed-'));
after(() => rm(folder, { recursive: true }));
let files = 0;
const file = async (content: string | Uint8Array): Promise<string> => {
  const path = join(folder, `hunter2-${files++}`);
  await writeFile(path, content);
  return path;
};

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const signer = signerOf(privateKey);
const keys = [pinnedKey(publicKey)];
const predicate = {
  schemaVersion: 1,
  rotationId: 'rot-550e8400-e29b-41d4-a716-446655440001',
  tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
  signedAt: '2026-11-29T01:00:00.000Z',
} as const;
const { dsse, jws } = await seal(statementOf('rotation', predicate), signer);
const x = signer.publicKey.toString('base64url');
const pem = await file(publicKey.export({ type: 'spki', format: 'pem' }));
const good = await file(dsse);

const deep = (open: string, close: string): string => `${open.repeat(100_000)}1${close.repeat(100_000)}`;
const contents: Readonly<Record<string, string | Uint8Array>> = {
  nothing: '',
  'a mark of order': '\ufeff',
  'ends of lines': '\r\n\r\n',
  'no JSON, in lines': '{\n"a": hunter2\n}',
  'JSON and more': '{"keys":[]}\n{"keys":[]}',
  'a number that is none': '{"keys":[{"kty":"OKP","crv":"Ed25519","x":1e999}]}',
  'deep lists': deep('[', ']'),
  'deep objects': deep('{"a":', '}'),
  'no end of lists': '['.repeat(1_000_000),
  'no UTF-8': Uint8Array.of(0xff, 0xfe, 0x7b, 0x00),
  'a member twice': `{"keys":[],"keys":[{"kty":"OKP","crv":"Ed25519","x":"${x}"}]}`,
  'a member twice, one of them escaped': `{"keys":[],"\\u006beys":[]}`,
  'a key of another length': '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA"}]}',
  'a time that is a number': `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"${x}","notBefore":5}]}`,
  'PEM of nothing': '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n',
  dots: '...',
  'one long text': `{"a":"${'\\\\x'.repeat(3_000_000)}"}`,
};

type Verify = typeof certificateVerify | typeof auditVerify;
async function call(verify: Verify, args: readonly string[]): Promise<{ code: number; text: string }> {
  const lines: string[] = [];
  const take = (line: string): void => {
    // Half of a terminal's lines are somebody else's.
    assert.doesNotMatch(line, /[\n\r]/);
    if (!line.startsWith('usage:')) lines.push(line);
  };
  const code = await verify(args, { out: take, err: take });
  return { code, text: lines.join('\n') };
}

for (const [what, content] of Object.entries(contents))
  test(`${what}, wherever a file is asked for: refused or not readable, in a line that says of which file`, async () => {
    const path = await file(content);
    const refused = await call(certificateVerify, [path, '--key', pem]);
    assert.equal(refused.code, 1);
    assert.match(refused.text, /^refused {3}MALFORMED\nbecause [^\n]+$/);
    const audit = await call(auditVerify, [path]);
    assert.equal(audit.code, what === 'no UTF-8' ? 2 : 1, audit.text);
    for (const args of [
      [good, '--key', path],
      [good, '--jwks', path],
      [good, '--key', pem, '--second-key', path],
      [good, '--key', pem, '--tsa-ca', path],
    ]) {
      const { code, text } = await call(certificateVerify, args);
      assert.equal(code, 2, args.join(' '));
      assert.match(text, /^[^\n]{10,300}$/);
      if (args.includes('--tsa-ca')) assert.match(text, /no PEM file with certificates/);
      else assert.ok(text.includes(path), text);
      // Of what stands in a file of keys nothing is repeated.
      assert.doesNotMatch(text.replaceAll(path, ''), /hunter2|DECODER|asn1|stack/);
    }
    const held = await call(auditVerify, [good, '--checkpoint', path]);
    assert.equal(held.code, 2);
    assert.match(held.text, /^There is no checkpoint in [^\n]+$/);
  });

test('what is no file, or has a name in lines, is said in one', async () => {
  for (const path of [folder, join(folder, 'none'), join(folder, 'a\nb'), `${folder}\0`, '']) {
    for (const [verify, args] of [
      [certificateVerify, [path, '--key', pem]],
      [certificateVerify, [good, '--key', path]],
      [certificateVerify, [good, '--jwks', path]],
      [auditVerify, [path]],
      [auditVerify, [good, '--checkpoint', path]],
    ] as const) {
      const { code, text } = await call(verify, args);
      assert.equal(code, 2);
      assert.match(text, / cannot be read \((EISDIR|ENOENT|ERR_INVALID_ARG_VALUE)\)$/);
    }
  }
});

test('a certificate that names a member twice is refused: two readers could read two things in it', () => {
  const other = Buffer.from('{"hunter2":true}').toString('base64');
  const twice = (member: string): string => dsse.replace('{', `{${member},`);
  for (const text of [
    twice(`"payload":"${other}"`),
    twice(`"p\\u0061yload":"${other}"`),
    twice('"signatures":[]'),
    dsse.replace('{"keyid"', '{"keyid":"another","keyid"'),
  ])
    assert.equal(refusalOf(text), 'MALFORMED', text.slice(0, 60));
  // Written with other spaces, or with a mark of order, it is the same.
  for (const text of [dsse, jws, `\ufeff${dsse}\r\n`, JSON.stringify(JSON.parse(dsse), null, 2)])
    assert.equal(refusalOf(text), null);
});

const refusalOf = (text: string): string | null => {
  const verdict = verifyCertificate(text, { keys });
  return verdict.verified ? null : verdict.refusal;
};

test('what a trusted key signed, and is no statement that is ever made, is refused like any other', async () => {
  const whole = statementOf('rotation', predicate).toString();
  for (const text of [
    whole.replace('"schemaVersion":1', '"schemaVersion":1,"share":1.5'),
    whole.replace('"schemaVersion":1', '"schemaVersion":1,"text":"\\ud800"'),
    whole.replace('"schemaVersion":1', `"schemaVersion":1,"deep":${deep('[', ']')}`),
    whole.replace('"schemaVersion":1', '"schemaVersion":1,"schemaVersion":1'),
  ]) {
    assert.notEqual(text, whole);
    const signed = await seal(Buffer.from(text), signer);
    assert.deepEqual([refusalOf(signed.dsse), refusalOf(signed.jws)], ['WRONG_TYPE', 'WRONG_TYPE']);
  }
});

test('an export with a row longer than any is refused, and each piece is looked at once', async () => {
  // Pieces of a row are put together when it ends, or it would be copied with each piece: by their number, not by a clock.
  for (const quotes of [false, true]) {
    const reader = createRowReader(quotes, 1_000);
    let looks = 0;
    const piece = new Proxy(new String('x'.repeat(100)), {
      get(of, name) {
        const value = Reflect.get(of, name);
        if (name === 'matchAll') looks += 1;
        return typeof value === 'function' ? value.bind(of) : value;
      },
    }) as unknown as string; // that is all a reader asks of it
    for (let n = 0; n < 50; n += 1) assert.deepEqual([...reader.add(piece)], []);
    assert.equal(looks, 50);
    assert.deepEqual([...reader.add('\nabc\nd')], [null, 'abc\n']);
    assert.equal(reader.rest(), 'd');
    assert.equal(reader.rest(), undefined);
  }
  for (const start of ['{"event":"', `${csvHead}"`, csvHead]) {
    const path = await file(Buffer.concat([Buffer.from(start), Buffer.alloc(20_000_000, 'x')]));
    const { code, text } = await call(auditVerify, [path]);
    assert.equal(code, 1);
    assert.match(text, /MALFORMED at line 1/);
  }
});

test('rows are read as they are written, whatever stands in their cells and wherever pieces end', () => {
  for (const line of ['', 'a', '"', '""', ',"', 'a,"b"",c', '"\n",', '\r\n', '{"a":"\\"b\\",\\"c"}']) {
    const row = csvLine(line, null);
    // Of a cell without quotes blanks at its end are the row's.
    assert.equal(lastCellOf(row), /[",\r\n]/.test(line) ? line : line.trimEnd());
    const reader = createRowReader(true);
    const read = [...`${row}${row}`].flatMap((piece) => [...reader.add(piece)]);
    assert.deepEqual(read, [row, row]);
    assert.equal(reader.rest(), undefined);
  }
});

test('a member twice is told in JSON of any kind, and nothing else is taken for one', () => {
  for (const text of [
    '{"a":1,"a":1}',
    '[{"b":{"a":[],"\\u0061":{}}}]',
    '{"__proto__":1,"__proto__":2}',
    '{"":1 , "" :2}',
    '{"a\\"":1,"a\\"":2}',
    '{"\\\\":1,"\\\\"\n\t:2}',
  ])
    assert.throws(() => parseOneForm(text), /names a member twice/, text);
  for (const value of [
    { a: { a: 1 }, b: ['a', 'a', ':', '":', '"a":'] },
    ['\\', '\\":', { '\\': '\\', '"': ':' }],
    '":',
    1,
    null,
    JSON.parse('{"__proto__":{"a":1}}'),
  ])
    for (const space of [0, 2]) assert.deepEqual(parseOneForm(JSON.stringify(value, null, space)), value);
});
