import { readCheckpoints, type SignedCheckpoint, signerOfCheckpoint } from './checkpoint.ts';
import { isObject } from './event.ts';
import { hashesOf } from './hashes.ts';
import { eventLeaf } from './log.ts';
import { rootByInclusion } from './merkle.ts';
import type { TrustedKey } from './public-keys.ts';

/** As it stands in a predicate: that the event which it names is in the log, at a size which was signed with it. */
export interface Coverage {
  /** A checkpoint. */
  readonly note: string;
  /** The event's place in the log, and its path. */
  readonly index: number;
  readonly proof: readonly string[];
}

export function coverageOf(note: string, index: number, path: readonly Buffer[]): Coverage {
  return { note, index, proof: path.map((hash) => hash.toString('base64')) };
}

/** What a certificate's own checkpoint shows, by the key that signed the certificate. */
export interface Covered {
  readonly origin: string;
  readonly size: number;
  readonly index: number;
}

/** Null: the certificate has none. */
export function readCoverage(
  { checkpoint, events }: Readonly<Record<string, unknown>>,
  key: TrustedKey,
): Covered | null | 'BAD' {
  if (checkpoint === undefined || checkpoint === null) return null;
  if (!isObject(checkpoint) || !isObject(events)) return 'BAD';
  const { note, index, proof } = checkpoint;
  const path = hashesOf(proof);
  if (typeof note !== 'string' || typeof index !== 'number' || path === undefined) return 'BAD';
  const [signed, ...more] = readCheckpoints(note);
  if (signed === undefined || more.length > 0 || signed.note !== note) return 'BAD';
  const isWhole = isSignedBy(signed, key) && includes(signed, index, path, events);
  return isWhole ? { origin: signed.origin, size: signed.size, index } : 'BAD';
}

/** Whether the key is compromised is a question to the certificate as a whole. */
function isSignedBy(checkpoint: SignedCheckpoint, key: TrustedKey): boolean {
  return signerOfCheckpoint(checkpoint, [{ ...key, compromisedAt: null }]) !== null;
}

function includes(
  { size, root }: SignedCheckpoint,
  index: number,
  path: readonly Buffer[],
  { chain, sequence, hash }: Readonly<Record<string, unknown>>,
): boolean {
  if (typeof chain !== 'string' || typeof sequence !== 'number' || typeof hash !== 'string') return false;
  return rootByInclusion(eventLeaf({ chain, sequence, hash }), index, size, path)?.equals(root) === true;
}
