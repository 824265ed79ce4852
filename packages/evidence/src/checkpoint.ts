import { createHash, verify } from 'node:crypto';
import { type TrustedKey, xOf } from './public-keys.ts';
import { pubOf, type SecondKey } from './second-keys.ts';
import type { Signer } from './signer.ts';

/** What a log was at a size: C2SP's tlog-checkpoint. */
export interface Checkpoint {
  /** Which log; also the name of the key, as C2SP has it. */
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
}

/** One with its signatures, not verified yet. */
export interface SignedCheckpoint extends Checkpoint {
  readonly note: string;
}

export function originOf(installationId: string): string {
  return `rekey.dev/log/${installationId}`;
}

/** As a signed note. @param second signs the same text besides, by ML-DSA-65, in a line that others pass over */
export async function signCheckpoint(
  checkpoint: Checkpoint,
  signer: Signer,
  second: Signer | null = null,
): Promise<string> {
  const { origin } = checkpoint;
  const text = textOf(checkpoint);
  const lineBy = async (one: Signer, type: Buffer): Promise<string> => {
    const signature = await one.sign(Buffer.from(text, 'utf8'));
    const bytes = Buffer.concat([keyIdOf(origin, type, one.publicKey), signature]);
    return `— ${origin} ${bytes.toString('base64')}\n`;
  };
  const lines = [await lineBy(signer, ed25519), ...(second === null ? [] : [await lineBy(second, mlDsa65)])];
  return `${text}\n${lines.join('')}`;
}

/** All that stand in a file, one behind the other. What is none, as where a writer was cut off, is passed over. */
export function readCheckpoints(text: string): SignedCheckpoint[] {
  return [...text.matchAll(form)].flatMap(([note, origin = '', size = '', root = '']) => {
    const bytes = Buffer.from(root, 'base64');
    const isSound = bytes.toString('base64') === root && Number.isSafeInteger(Number(size));
    return isSound ? [{ origin, size: Number(size), root: bytes, note }] : [];
  });
}

const form = /^([^\s+]+)\n(0|[1-9][0-9]*)\n([A-Za-z0-9+/]{43}=)\n\n(?:— [^\n]+\n)+/gm;

/** The key of those given that signed it; null: none did, or it is marked as compromised. */
export function signerOfCheckpoint(
  checkpoint: SignedCheckpoint,
  keys: readonly TrustedKey[],
): TrustedKey | null {
  const text = Buffer.from(textOf(checkpoint), 'utf8');
  const signed = keys.filter(({ publicKey }) => {
    const id = keyIdOf(checkpoint.origin, ed25519, Buffer.from(xOf(publicKey), 'base64url'));
    return signaturesBy(checkpoint, id).some((signature) => verify(null, text, publicKey, signature));
  });
  return signed.every(({ compromisedAt }) => compromisedAt === null) ? (signed[0] ?? null) : null;
}

/** The key of those given that signed it besides; null: none did that is good; `BAD`: what one is said to have signed it did not. */
export function secondSignerOfCheckpoint(
  checkpoint: SignedCheckpoint,
  keys: readonly SecondKey[],
): SecondKey | null | 'BAD' {
  const text = Buffer.from(textOf(checkpoint), 'utf8');
  let good: SecondKey | null = null;
  for (const key of keys) {
    const id = keyIdOf(checkpoint.origin, mlDsa65, Buffer.from(pubOf(key.publicKey), 'base64url'));
    for (const signature of signaturesBy(checkpoint, id)) {
      if (!verify(null, text, key.publicKey, signature)) return 'BAD';
      if (key.compromisedAt === null) good ??= key;
    }
  }
  return good;
}

function signaturesBy({ origin, note }: SignedCheckpoint, id: Buffer): Buffer[] {
  const head = `— ${origin} `;
  return note
    .split('\n')
    .filter((line) => line.startsWith(head))
    .map((line) => Buffer.from(line.slice(head.length), 'base64'))
    .filter((bytes) => bytes.subarray(0, 4).equals(id))
    .map((bytes) => bytes.subarray(4));
}

function textOf({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`;
}

/** What C2SP's signed-note has for kinds of signatures: a byte for some, and a name of one's own behind 0xff for all others. */
const ed25519 = Buffer.from([1]);
const mlDsa65 = Buffer.concat([Buffer.from([0xff]), Buffer.from('rekey.dev/ml-dsa-65')]);

function keyIdOf(name: string, type: Buffer, publicKey: Buffer): Buffer {
  const hash = createHash('sha256').update(`${name}\n`).update(type).update(publicKey).digest();
  return hash.subarray(0, 4);
}
