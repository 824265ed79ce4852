import {
  type Checkpoint,
  readCheckpoints,
  type SignedCheckpoint,
  secondSignerOfCheckpoint,
  signerOfCheckpoint,
} from './checkpoint.ts';
import { cosignatureOf, type WitnessKey } from './cosignature.ts';
import type { TrustedKey } from './public-keys.ts';
import type { SecondKey } from './second-keys.ts';

/** What somebody who verifies an export has. */
export interface AuditTrust {
  /** Held where the server is not. */
  readonly checkpoints: readonly SignedCheckpoint[];
  readonly keys: readonly TrustedKey[] | null;
  /** Only what all of these signed counts. */
  readonly witnesses: readonly WitnessKey[];
  readonly secondKeys?: readonly SecondKey[];
  /** Only what one of these signed counts. */
  readonly needsSecond?: boolean;
}

/** Which of the keys that were given signed a checkpoint; null: none was given, or none of them did. */
export interface Signatures {
  readonly size: number;
  readonly kid: string | null;
  readonly second: string | null;
}

type Report = (
  code: 'BAD_SIGNATURE' | 'NOT_WITNESSED' | 'NO_SECOND_SIGNATURE' | 'OTHER_CHECKPOINT',
  at: string | number,
) => void;

interface Asked {
  readonly checkpoint: string | null;
  readonly chain: string | null;
  readonly isFiltered: boolean;
}

/** Those that count. What is wrong with one that was given is reported at once. */
export function trustedCheckpoints(
  trust: AuditTrust,
  report: Report,
): {
  /** Those that an export can be held against: of what was kept elsewhere, else its own if a key that was given signed it. */
  against(asked: Asked): readonly Checkpoint[];
  signaturesOf(against: readonly Checkpoint[]): readonly Signatures[];
} {
  const { checkpoints, keys } = trust;
  const signatures = new Map<Checkpoint, Signatures>();

  /** Whether it counts; it is reported why not, but not that others signed what this one lacks. */
  const counts = (
    one: SignedCheckpoint,
  ): 'counts' | 'BAD_SIGNATURE' | 'NOT_WITNESSED' | 'NO_SECOND_SIGNATURE' => {
    if (!trust.witnesses.every((witness) => cosignatureOf(one, witness) !== null)) return 'NOT_WITNESSED';
    const second = secondSignerOfCheckpoint(one, trust.secondKeys ?? []);
    if (second === 'BAD') return 'BAD_SIGNATURE';
    if (trust.needsSecond === true && second === null) return 'NO_SECOND_SIGNATURE';
    const first = keys === null ? null : signerOf(one, keys, trust.witnesses);
    if (keys !== null && first === null) return 'BAD_SIGNATURE';
    signatures.set(one, { size: one.size, kid: first?.kid ?? null, second: second?.kid ?? null });
    return 'counts';
  };

  const verdicts = checkpoints.map((one) => ({ one, verdict: counts(one) }));
  for (const { one, verdict } of verdicts) if (verdict === 'BAD_SIGNATURE') report(verdict, one.size);
  const counted = verdicts.filter(({ verdict }) => verdict === 'counts').map(({ one }) => one);
  // Later ones cover those that a witness, or a second key, did not sign yet.
  const lacking = verdicts.every(({ verdict }) => verdict !== 'counts') ? verdicts.at(-1) : undefined;
  if (lacking !== undefined && lacking.verdict !== 'counts' && lacking.verdict !== 'BAD_SIGNATURE')
    report(lacking.verdict, lacking.one.size);

  return {
    against({ checkpoint: note, chain, isFiltered }) {
      const [own] = note === null ? [] : readCheckpoints(note);
      if (checkpoints.length === 0) {
        if (own === undefined || keys === null) return [];
        const verdict = counts(own);
        if (verdict === 'counts') return [own];
        report(verdict, own.size);
        return [];
      }
      if (counted.length === 0) return [];
      // With all events it can be held against any; else only against the one that its proofs lead to.
      if (chain === null && !isFiltered) return counted;
      const held = counted.find(({ size }) => size === own?.size);
      if (held !== undefined) return [held];
      report('OTHER_CHECKPOINT', own?.size ?? 'none');
      return [];
    },
    signaturesOf: (against) => against.flatMap((one) => signatures.get(one) ?? []),
  };
}

/** By one of the keys; of one that is compromised what a witness saw before that is good. */
function signerOf(
  checkpoint: SignedCheckpoint,
  keys: readonly TrustedKey[],
  witnesses: readonly WitnessKey[],
): TrustedKey | null {
  const seen = witnesses.flatMap((witness) => cosignatureOf(checkpoint, witness)?.at ?? []);
  const still = keys.map((key) => {
    const { compromisedAt } = key;
    const isOlder = compromisedAt !== null && seen.some((at) => at < compromisedAt);
    return isOlder ? { ...key, compromisedAt: null } : key;
  });
  return signerOfCheckpoint(checkpoint, still);
}
