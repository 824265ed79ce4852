import type { Vault } from '@rekey/vault';
import { count, describeCounts, plural, roughly } from './format.ts';
import { inParallel } from './in-parallel.ts';
import { type RecordSet, type TargetName, targets, tenantId } from './records.ts';
import type { Scaffold } from './stack-up.ts';
import { step } from './step.ts';

const batchRecords = 500;
const batchesAtATime = 4;

/** Makes the demo tenant and its records, and shows it. */
export async function seed(
  vault: Pick<Vault, 'createTenant' | 'putMany'>,
  records: RecordSet,
  { screen, signal }: Pick<Scaffold, 'screen' | 'signal'>,
): Promise<void> {
  const { counts, total } = records;
  await step(screen, {
    doing: `${plural(total, 'record')} are sealed and stored`,
    work: async (onProgress) => {
      await vault.createTenant({ tenantId, name: 'Demo tenant' });
      const batches = batchesOf(records);
      let done = 0;
      await inParallel({ count: batches.length, atATime: batchesAtATime, signal }, async (number) => {
        const batch = batches[number];
        if (batch === undefined) return;
        await vault.putMany({ target: batch.target, tenantId, records: recordsOf(batch, records) });
        done += batch.size;
        onProgress(done, total);
      });
    },
    done: () => [plural(total, 'record'), describeCounts(counts, total < 10_000 ? count : roughly)],
  });
}

interface Batch {
  readonly target: TargetName;
  readonly first: number;
  readonly size: number;
}

/** A batch is one statement, so it never spans two tables. */
function batchesOf({ counts }: RecordSet): Batch[] {
  const batches: Batch[] = [];
  let first = 0;
  for (const { target, itemType } of targets) {
    const end = first + counts[itemType];
    while (first < end) {
      const size = Math.min(batchRecords, end - first);
      batches.push({ target, first, size });
      first += size;
    }
  }
  return batches;
}

function recordsOf({ first, size }: Batch, records: RecordSet) {
  return Array.from({ length: size }, (_, offset) => {
    const { id, columns } = records.place(first + offset);
    return { id, columns, value: records.value(first + offset, 0) };
  });
}
