import { kekSuspendedMs } from '@rekey/times';
import { refusing } from '../faults/kms-server-kinds.ts';
import { type Check, collector } from './violation.ts';

/** An attempt at a KMS that is silent, three times over, and what it is written down by. */
const graceMs = 20_000;

const refusals = new Set<string>(refusing);
/** What brings KEKs of a key file into trouble that passes, of everybody. */
const ofKeyFiles = /^kms-/;

interface Fault {
  readonly b: number;
  /** Until when somebody may be seen to wait because of it. */
  until: number;
  readonly e: number;
  readonly kek: string | undefined;
  readonly tenants: ReadonlySet<string> | undefined;
  readonly refuses: boolean;
}

/**
 * Whoever waits for a KMS waits for the right reason: `kek_suspended` names a KEK that was refused then, and `kms` is said
 * while a KMS was away that the tenant's DEKs, or that rewrap's, are in.
 */
export function kmsWaitCheck(): Check {
  const faults: Fault[] = [];
  const waits: Array<{
    readonly at: number;
    readonly id: string;
    readonly tenant: string | null;
    readonly reason: string;
    readonly kek: string | null;
  }> = [];
  const explains = (fault: Fault, { at, tenant, kek, reason }: (typeof waits)[number]): boolean =>
    fault.b <= at &&
    at <= fault.until &&
    fault.refuses === (reason === 'kek_suspended') &&
    (kek === null || fault.kek === undefined || fault.kek === kek) &&
    (tenant === null || fault.tenants === undefined || fault.tenants.has(tenant));
  return {
    see(line) {
      if (line.t === 'waiting') waits.push(line);
      if (line.t !== 'fault' || (line.kek === undefined && !ofKeyFiles.test(line.kind))) return;
      const { b, e, kek, kind, tenants } = line;
      const only = tenants === undefined ? undefined : new Set(tenants);
      faults.push({ b, e, until: e + graceMs, kek, tenants: only, refuses: refusals.has(kind) });
    },
    verdict() {
      const wrong = collector('waits for a KMS');
      putOff(faults);
      for (const wait of waits) {
        const { id, tenant, reason, kek, at } = wait;
        if (reason === 'kek_suspended' && kek === null) wrong.add(`${id} is ${reason} by no KEK, at ${at}`);
        if (!faults.some((fault) => explains(fault, wait)))
          wrong.add(
            `${id} of ${tenant} waits for ${reason} (${kek}), at ${at}, with no fault that explains it`,
          );
      }
      return wrong.all();
    },
  };
}

/**
 * Whoever met a refusal comes again after as long as he has met it by then, and says so until he does. The next fault of that KEK
 * may find him still waiting: it has lasted since the first one then.
 */
function putOff(faults: readonly Fault[]): void {
  const last = new Map<string | undefined, { since: number; until: number }>();
  for (const fault of faults.filter(({ refuses }) => refuses).sort((one, other) => one.b - other.b)) {
    const before = last.get(fault.kek);
    const since = before !== undefined && fault.b <= before.until ? before.since : fault.b;
    const pauseMs = Math.min(Math.max(fault.e - since, kekSuspendedMs.first), kekSuspendedMs.max);
    fault.until = fault.e + pauseMs + graceMs;
    last.set(fault.kek, { since, until: fault.until });
  }
}
