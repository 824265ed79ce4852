import type { Rotation } from '@rekey/contract';
import type { Vault } from '@rekey/vault';
import { type Activity, sumOf } from './application.ts';
import { count, describeCounts, plural } from './format.ts';
import { inParallel } from './in-parallel.ts';
import type { Ledger } from './ledger.ts';
import { type RecordSet, type TargetName, targets, tenantId, totalOf } from './records.ts';
import type { Stock } from './stock.ts';

/** Enough to keep Postgres and this process busy at the same time. */
const opensAtATime = 50;
const troublesKept = 5;

/** What came of opening every record. */
export interface Opened {
  readonly right: number;
  /** Missing, unreadable, or another value than the last one acknowledged. */
  readonly wrong: number;
  /** The first of them, a line each. */
  readonly troubles: readonly string[];
}

/** Opens every record through the vault and compares it with the value last acknowledged. The application rests. */
export async function openAll(
  vault: Pick<Vault, 'get'>,
  records: RecordSet,
  ledger: Ledger,
  { signal, onProgress }: { signal: AbortSignal; onProgress: (done: number) => void },
): Promise<Opened> {
  const opened = { right: 0, wrong: 0, troubles: [] as string[] };
  await inParallel({ count: records.total, atATime: opensAtATime, signal }, async (number) => {
    const trouble = await troubleWith(vault, records, ledger, number);
    if (trouble === null) opened.right += 1;
    else opened.wrong += 1;
    if (trouble !== null && opened.troubles.length < troublesKept) opened.troubles.push(trouble);
    onProgress(opened.right + opened.wrong);
  });
  return opened;
}

async function troubleWith(
  vault: Pick<Vault, 'get'>,
  records: RecordSet,
  ledger: Ledger,
  number: number,
): Promise<string | null> {
  const { target, id } = records.place(number);
  try {
    const value = await vault.get({ target, tenantId, id });
    if (value === null) return `${target} ${id} is missing`;
    return ledger.admits(number, ledger.acknowledged(number), value)
      ? null
      : `${target} ${id} holds another value than the last one written`;
  } catch (error) {
    return `${target} ${id}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

export interface Evidence {
  readonly rotation: Rotation;
  readonly counts: RecordSet['counts'];
  readonly opened: Opened;
  readonly stock: Readonly<Record<TargetName, Stock>>;
  readonly activity: Activity;
}

/** One claim of the demo, and whether it holds. */
export interface Check {
  readonly holds: boolean;
  readonly claim: string;
  readonly evidence: string;
  /** More about a claim that does not hold. */
  readonly troubles: readonly string[];
}

/** The claims, judged by the evidence. The demo has succeeded when all of them hold. */
export function judge({ rotation, counts, opened, stock, activity }: Evidence): Check[] {
  const total = totalOf(counts);
  const reads = sumOf(activity.reads);
  const writes = sumOf(activity.writes);
  const errors = reads.errors + writes.errors;
  const held = countsOf((target) => stock[target].records);
  const elsewhere = countsOf((target) => stock[target].elsewhere);
  const accounted = totalOf(rotation.itemsRotated) + totalOf(rotation.itemsSuperseded);
  return [
    {
      claim: 'every record opens',
      holds: opened.right === total,
      evidence: `${count(opened.right)} of ${count(total)}, with the value last written`,
      troubles: opened.troubles,
    },
    {
      claim: 'none on an older key',
      holds: totalOf(elsewhere) === 0,
      evidence: `${describeCounts(elsewhere)}, counted by SQL`,
      troubles: [],
    },
    {
      claim: 'none lost or added',
      holds: targets.every(({ itemType }) => held[itemType] === counts[itemType]),
      evidence: describeCounts(held),
      troubles: [],
    },
    {
      claim: 'no operation failed',
      holds: errors === 0,
      evidence: `${plural(errors, 'error')} in ${plural(reads.done, 'read')} and ${plural(writes.done, 'write')}`,
      troubles: activity.troubles,
    },
    {
      claim: 'rotation completed',
      holds: rotation.status === 'completed' && accounted === total,
      evidence: `${describeEnd(rotation)}${count(accounted)} of ${plural(total, 'record')} accounted for`,
      troubles: [],
    },
  ];
}

function countsOf(of: (target: TargetName) => number): RecordSet['counts'] {
  return { credentials: of('credentials'), apiKeys: of('api_keys'), secrets: of('secrets') };
}

/** Nothing for the end that is claimed. */
function describeEnd({ status, failureReason }: Rotation): string {
  if (status === 'completed') return '';
  return `${status.replaceAll('_', ' ')}${failureReason === null ? '' : ` (${failureReason})`}, `;
}
