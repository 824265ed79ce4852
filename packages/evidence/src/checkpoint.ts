import { createHash, verify } from 'node:crypto';
import { type TrustedKey, xOf } from './public-keys.ts';
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

/** As a signed note. */
export async function signCheckpoint(checkpoint: Checkpoint, signer: Signer): Promise<string> {
  const { origin } = checkpoint;
  const text = textOf(checkpoint);
  const signature = await signer.sign(Buffer.from(text, 'utf8'));
  const line = Buffer.concat([keyIdOf(origin, signer.publicKey), signature]).toString('base64');
  return `${text}\n— ${origin} ${line}\n`;
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
  const { origin, note } = checkpoint;
  const text = Buffer.from(textOf(checkpoint), 'utf8');
  const lines = note.split('\n').filter((line) => line.startsWith(`— ${origin} `));
  const signatures = lines.map((line) => Buffer.from(line.slice(`— ${origin} `.length), 'base64'));
  const signed = keys.filter(({ publicKey }) => {
    const id = keyIdOf(origin, Buffer.from(xOf(publicKey), 'base64url'));
    return signatures.some(
      (bytes) => bytes.subarray(0, 4).equals(id) && verify(null, text, publicKey, bytes.subarray(4)),
    );
  });
  return signed.every(({ compromisedAt }) => compromisedAt === null) ? (signed[0] ?? null) : null;
}

function textOf({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`;
}

/** As C2SP's signed-note says for Ed25519. */
function keyIdOf(name: string, publicKey: Buffer): Buffer {
  const hash = createHash('sha256')
    .update(`${name}\n`)
    .update(Buffer.from([1]))
    .update(publicKey)
    .digest();
  return hash.subarray(0, 4);
}
