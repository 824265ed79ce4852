import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  answerWith,
  bundleOf,
  certificatesIn,
  type StampProblem,
  seal,
  stampQuery,
  tokenIn,
  verifyCertificate,
  verifyStamp,
} from '@rekey/evidence';
import { thisFile } from '../harness/cleanup.ts';
import { createAuthority, openssl, type Signer } from '../harness/tsa.ts';
import { dsse, jwksOf, jws, parts, signature, signer, stamped } from './stamped.ts';

const { skip } = openssl;
const problemOf = (verdict: ReturnType<typeof verifyStamp>): StampProblem | null =>
  verdict.trusted ? null : verdict.problem;

test('what an authority signed is verified here and by openssl, with keys of either kind, in the form that is handed on', {
  skip,
}, async () => {
  for (const algorithm of ['ec', 'rsa'] as const) {
    const { token, nonce, cas, authority, answer } = await stamped({ algorithm });
    const verdict = verifyStamp(token, signature, { cas, nonce });
    assert.ok(verdict.trusted, JSON.stringify(verdict));
    assert.ok(Math.abs(verdict.at.getTime() - Date.now()) < 60_000);
    assert.equal(verdict.latest.getTime() - verdict.at.getTime(), 1_500, 'as exact as it says');
    assert.equal(verdict.by, 'O=Test, CN=Stamps');
    assert.ok(await authority.accepts(answer, signature));
    assert.ok(await authority.accepts(answerWith(token), signature));
    assert.ok(!(await authority.accepts(answerWith(token), Buffer.alloc(64))));
    assert.equal(problemOf(verifyStamp(token, signature, { cas, nonce: nonce + 1n })), 'OTHER_NONCE');
    assert.equal(problemOf(verifyStamp(token, Buffer.alloc(64), { cas })), 'OTHER_BYTES');
    assert.equal(problemOf(verifyStamp(token, signature, { cas: [] })), 'UNTRUSTED');
    // The authority's own certificate may be what somebody trusts, or one between.
    const middle = certificatesIn(await readFile(authority.middle.certificate, 'latin1'));
    assert.ok(verifyStamp(token, signature, { cas: middle }).trusted);
  }
});

test('a certificate of a compromised key counts if a time stamp that is trusted is older, and not otherwise', {
  skip,
}, async () => {
  const { token, cas } = await stamped();
  const bundle = bundleOf(dsse, answerWith(token));
  const at = (ms: number): Date => new Date(Date.now() + ms);
  const verify = (text: string, compromised: Date | null, tsaCas = cas) =>
    verifyCertificate(text, { jwks: jwksOf(compromised), tsaCas });
  const later = verify(bundle, at(60_000));
  assert.ok(later.verified && later.form === 'bundle' && later.stamp?.trusted === true);
  assert.ok(later.compromisedAt !== null);
  const refusal = (verdict: ReturnType<typeof verify>) =>
    verdict.verified
      ? null
      : [verdict.refusal, verdict.stamp && !verdict.stamp.trusted && verdict.stamp.problem];
  assert.deepEqual(refusal(verify(bundle, at(-60_000))), ['KEY_COMPROMISED', false]);
  // Within what the authority's clock may be wrong by.
  const stamp = later.stamp.at.getTime();
  assert.deepEqual(refusal(verify(bundle, new Date(stamp + 1_500))), ['KEY_COMPROMISED', false]);
  assert.equal(refusal(verify(bundle, new Date(stamp + 1_501))), null);
  assert.deepEqual(refusal(verify(bundle, at(60_000), [])), ['KEY_COMPROMISED', 'UNTRUSTED']);
  assert.deepEqual(refusal(verify(dsse, at(60_000))), ['KEY_COMPROMISED', null]);
  assert.deepEqual(refusal(verify(jws, at(60_000))), ['KEY_COMPROMISED', null]);
  // Of a key that is well it is said that the stamp counts for nothing, and nothing more.
  const well = verify(bundle, null, []);
  assert.ok(well.verified && well.stamp?.trusted === false);
  const bare = verify(bundleOf(dsse, null), null);
  assert.ok(bare.verified && bare.stamp === null);
  // Another certificate's.
  const other = await seal(Buffer.from('{}'), signer);
  const moved = verify(bundleOf(other.dsse, answerWith(token)), at(60_000));
  assert.deepEqual(refusal(moved), ['KEY_COMPROMISED', 'OTHER_BYTES']);
});

test('with each byte changed a time stamp is none any more, and a bundle saves no certificate', {
  skip,
}, async () => {
  const { token, cas } = await stamped();
  const answer = answerWith(token);
  const compromised = { jwks: jwksOf(new Date(Date.now() + 60_000)), tsaCas: cas };
  const saves = (bytes: Buffer): boolean => verifyCertificate(bundleOf(dsse, bytes), compromised).verified;
  assert.ok(saves(answer));
  for (let at = 0; at < answer.length; at += 1)
    for (const mask of [0x01, 0xff]) {
      const changed = Buffer.from(answer);
      changed[at] = (changed[at] ?? 0) ^ mask;
      assert.ok(!saves(changed), `byte ${at} by ${mask}`);
    }
  for (let length = 0; length < answer.length; length += 7) assert.ok(!saves(answer.subarray(0, length)));
  assert.ok(!saves(Buffer.concat([answer, Buffer.of(0)])));
  const bundle = bundleOf(dsse, answer);
  for (let at = 0; at < bundle.length; at += 3) {
    const bytes = Buffer.from(bundle);
    bytes[at] = (bytes[at] ?? 0) ^ 0x01;
    assert.ok(!verifyCertificate(bytes, compromised).verified, `character ${at}`);
  }
  for (const wrong of [
    { ...JSON.parse(bundle), more: 1 },
    { ...JSON.parse(bundle), verificationMaterial: {} },
    { ...JSON.parse(bundle), verificationMaterial: { publicKey: { hint: 'another' } } },
    { ...JSON.parse(bundle), dsseEnvelope: JSON.parse(bundle) },
  ])
    assert.ok(!verifyCertificate(JSON.stringify(wrong), compromised).verified);
});

// What an authority would have to be out of its mind, or not one at all, to sign.
const der = (tag: number, ...contents: Uint8Array[]): Buffer => {
  const content = Buffer.concat(contents);
  const long = content.length > 127 ? [0x82, content.length >> 8, content.length & 0xff] : [content.length];
  return Buffer.concat([Buffer.of(tag, ...long), content]);
};
const hex = (text: string): Buffer => Buffer.from(text, 'hex');
interface Info {
  digest?: Buffer;
  algorithm?: string;
  time?: string;
  rest?: Buffer[];
}
const infoOf = ({
  digest = createHash('sha256').update(signature).digest(),
  algorithm = '300b0609608648016503040201',
  time = `${new Date().toISOString().replace(/[-:T]|\..*/g, '')}Z`,
  rest = [],
}: Info = {}): Buffer =>
  der(
    0x30,
    ...[hex('020101'), hex('06032a0304'), der(0x30, hex(algorithm), der(4, digest)), hex('020107')],
    ...[der(0x18, Buffer.from(time)), ...rest],
  );

test('what is signed by nobody who may, for another time, or says more than is understood, counts for nothing', {
  skip,
}, async () => {
  const { authority, cas } = await parts();
  const good = await authority.signer();
  // The time is taken here, behind the certificate's beginning.
  const signs = async (info: Info, by: Signer = good, options?: string[]): Promise<StampProblem | null> =>
    problemOf(verifyStamp(await authority.sign(infoOf(info), by, options), signature, { cas }));
  assert.equal(await signs({}), null, 'these are as good as an authority’s own');
  assert.equal(await signs({ time: '20260101000000.5Z' }), 'NOT_VALID_THEN');
  for (const use of ['timeStamping', 'critical,timeStamping,codeSigning', 'critical,codeSigning', null])
    assert.equal(await signs({}, await authority.signer({ use })), 'NOT_FOR_STAMPS', String(use));
  const stranger = await createAuthority(thisFile);
  assert.equal(await signs({}, await stranger.signer()), 'UNTRUSTED');
  // Below others, of whom one may certify nobody, and one only who signs stamps.
  const below = async (by: Signer, ...above: Signer[]) => {
    const file = join(authority.folder, 'above.pem');
    await writeFile(
      file,
      (await Promise.all([by, ...above].map((one) => readFile(one.certificate)))).join(''),
    );
    return signs({}, await authority.signer({ by }), ['-cades', '-certfile', file]);
  };
  assert.equal(await below(await authority.between(authority.root)), null);
  assert.equal(await below(await authority.between(authority.middle), authority.middle), 'UNTRUSTED');
  assert.equal(await below(good, authority.middle), 'UNTRUSTED');
  const malformed: Array<[string, Info]> = [
    ['MD5', { algorithm: '300c06082a864886f70d02050500', digest: Buffer.alloc(16) }],
    ['no such day', { time: '20260230000000Z' }],
    ['a time without a zone', { time: '20261129000000' }],
    ['a time with a needless zero', { time: '20261129000000.50Z' }],
    [
      'an extension that is critical',
      { rest: [der(0xa1, der(0x30, hex('06032a0305'), hex('0101ff'), hex('0400')))] },
    ],
    ['something behind', { rest: [hex('0500')] }],
    ['an accuracy below zero', { rest: [hex('30030201ff')] }],
  ];
  for (const [what, info] of malformed) assert.equal(await signs(info), 'MALFORMED', what);
  assert.equal(await signs({}, good, []), 'MALFORMED', 'a signer that names no certificate');
  assert.equal(await signs({}, good, ['-cades', '-nocerts']), 'NO_CERTIFICATE');
  assert.equal(await signs({}, good, ['-cades', '-keyid']), 'MALFORMED');
  const other = await authority.signer();
  const two = ['-cades', '-signer', other.certificate, '-inkey', other.key];
  assert.equal(await signs({}, good, two), 'MALFORMED', 'two signers');
});

test('an answer that grants nothing has no token, and what is none is told', { skip }, async () => {
  const { authority } = await parts();
  const { query } = stampQuery(signature);
  // As if it were of SHA-384.
  const another = Buffer.from(query);
  another[19] = 2;
  assert.equal(tokenIn(hex('30053003020102')), null, 'rejection');
  assert.equal(
    tokenIn(await authority.answer(another, await authority.signer())),
    null,
    'openssl understands it not',
  );
  for (const none of ['', '3000', '30053003020100', '3080', '30820000', '0500'])
    assert.throws(() => tokenIn(hex(none)), { name: 'DerError' }, none);
});
