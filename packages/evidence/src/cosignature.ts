import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { Checkpoint, SignedCheckpoint } from './checkpoint.ts';

/** Somebody who signs that a checkpoint follows the ones that they saw before: C2SP's tlog-cosignature, by Ed25519. */
export interface WitnessKey {
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly id: Buffer;
}

const ed25519Cosigner = 0x04;
/** What stands before the 32 bytes of an Ed25519 key in SubjectPublicKeyInfo. */
const spkiHead = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * A verifier key of C2SP's signed-note: `name+id+base64`. Throws `TypeError` where it is none, of another algorithm, or its id is
 * another's.
 */
export function parseWitnessKey(text: string): WitnessKey {
  const [, name = '', id = '', base64 = ''] =
    /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text.trim()) ?? [];
  const bytes = Buffer.from(base64, 'base64');
  if (name === '' || bytes.toString('base64') !== base64) throw new TypeError('This is no key of a witness');
  if (bytes[0] !== ed25519Cosigner || bytes.length !== 33)
    throw new TypeError('The key of the witness is no Ed25519 key for cosignatures');
  const computed = createHash('sha256').update(`${name}\n`).update(bytes).digest().subarray(0, 4);
  if (computed.toString('hex') !== id)
    throw new TypeError('The id of the witness does not belong to its key');
  const der = Buffer.concat([spkiHead, bytes.subarray(1)]);
  return { name, id: computed, publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }) };
}

/** When that witness signed the checkpoint, and by which line; null: it did not. */
export function cosignatureOf(
  { note, ...checkpoint }: SignedCheckpoint,
  { name, id, publicKey }: WitnessKey,
): { readonly at: Date; readonly line: string } | null {
  const head = `— ${name} `;
  for (const line of note.split('\n').filter((one) => one.startsWith(head))) {
    const bytes = Buffer.from(line.slice(head.length), 'base64');
    if (bytes.length !== 4 + 8 + 64 || !bytes.subarray(0, 4).equals(id)) continue;
    const seconds = bytes.readBigUInt64BE(4);
    const at = new Date(Number(seconds) * 1_000);
    const message = Buffer.from(cosignedText(checkpoint, seconds), 'utf8');
    if (!Number.isNaN(at.getTime()) && verify(null, message, publicKey, bytes.subarray(12)))
      return { at, line: `${line}\n` };
  }
  return null;
}

function cosignedText({ origin, size, root }: Checkpoint, seconds: bigint): string {
  return `cosignature/v1\ntime ${seconds}\n${origin}\n${size}\n${root.toString('base64')}\n`;
}

/** What a witness is asked with, as C2SP's tlog-witness has it: from the size that it knows to the checkpoint. */
export function addCheckpointBody(oldSize: number, path: readonly Buffer[], note: string): string {
  const lines = path.map((hash) => `${hash.toString('base64')}\n`).join('');
  return `old ${oldSize}\n${lines}\n${note}`;
}
