import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import {
  coverageOf,
  headsTree,
  originOf,
  type Predicate,
  pinnedKey,
  seal,
  signCheckpoint,
  signerOf,
  statementOf,
  verifyCertificate,
} from '@rekey/evidence';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const signer = signerOf(privateKey);
const other = generateKeyPairSync('ed25519');
const keys = [pinnedKey(publicKey)];
const events = Array.from({ length: 7 }, (_, n) => ({
  chain: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
  sequence: n + 1,
  hash: `${n}`.repeat(64),
}));
const origin = originOf('550e8400-e29b-41d4-a716-446655440001');
// A leaf of a log is what a leaf of heads is.
const log = headsTree(events);
const root = await log.root();
const note = await signCheckpoint({ origin, size: 7, root }, signer);
const named = events[4];
const checkpoint = coverageOf(note, 4, await log.inclusion(4));

async function verdictOn(fields: object) {
  const predicate = {
    schemaVersion: 1,
    rotationId: 'rot-550e8400-e29b-41d4-a716-446655440001',
    tenantId: events[0]?.chain,
    signedAt: '2026-11-29T01:00:00.000Z',
    events: named,
    ...fields,
  } as unknown as Predicate;
  const { dsse, jws } = await seal(statementOf('rotation', predicate), signer);
  const [one, two] = [verifyCertificate(dsse, { keys }), verifyCertificate(jws, { keys })];
  assert.equal(one.verified, two.verified);
  return one.verified ? one.covered : one.refusal;
}

test('a certificate shows where the log has its event, and one from before checkpoints stood in them is good', async () => {
  assert.deepEqual(await verdictOn({ checkpoint }), { origin, size: 7, index: 4 });
  assert.equal(await verdictOn({}), null);
  assert.equal(await verdictOn({ checkpoint: null }), null);
});

test('a checkpoint that does not cover the event is a reason to refuse, also where the signature is good', async () => {
  const otherNote = await signCheckpoint({ origin, size: 7, root }, signerOf(other.privateKey));
  const lines = note.split('\n');
  for (const [what, fields] of Object.entries({
    'another place': { checkpoint: { ...checkpoint, index: 3 } },
    'a place that is none': { checkpoint: { ...checkpoint, index: -1 } },
    'a text as place': { checkpoint: { ...checkpoint, index: '4' } },
    'another event': { checkpoint, events: events[3] },
    'another sequence': { checkpoint, events: { ...named, sequence: 6 } },
    'another chain': { checkpoint, events: { ...named, chain: '3fa85f64-5717-4562-b3fc-2c963f66afa7' } },
    'no event': { checkpoint, events: null },
    'a shorter path': { checkpoint: { ...checkpoint, proof: checkpoint.proof.slice(1) } },
    'no path': { checkpoint: { note, index: 4 } },
    'another signer': { checkpoint: { ...checkpoint, note: otherNote } },
    'another size': { checkpoint: { ...checkpoint, note: lines.with(1, '8').join('\n') } },
    'another log': { checkpoint: { ...checkpoint, note: lines.with(0, `${origin}1`).join('\n') } },
    'two notes': { checkpoint: { ...checkpoint, note: note + note } },
    'no note': { checkpoint: { ...checkpoint, note: '' } },
    'a text': { checkpoint: 'yes' },
  }))
    assert.equal(await verdictOn(fields), 'BAD_CHECKPOINT', what);
});
