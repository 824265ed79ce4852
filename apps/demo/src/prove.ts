import type { Store } from '@rekey/db';
import type { Vault } from '@rekey/vault';
import { plural } from './format.ts';
import type { Ledger } from './ledger.ts';
import { judge, openAll } from './proof.ts';
import type { RecordSet } from './records.ts';
import type { Scaffold } from './stack-up.ts';
import { step } from './step.ts';
import { takeStock } from './stock.ts';
import type { Outcome } from './summary.ts';

export interface ProofStage extends Pick<Scaffold, 'screen' | 'signal'> {
  readonly store: Store;
  readonly vault: Pick<Vault, 'get'>;
  readonly records: RecordSet;
  readonly ledger: Ledger;
}

/** Gathers the evidence, shows what it says, claim by claim, and whether all of them hold. */
export async function prove(stage: ProofStage, { rotation, activity }: Outcome): Promise<boolean> {
  const { screen, signal, store, vault, records, ledger } = stage;
  const { paint } = screen;
  const opened = await step(screen, {
    doing: `${plural(records.total, 'record')} are opened and compared`,
    work: (onProgress) =>
      openAll(vault, records, ledger, { signal, onProgress: (done) => onProgress(done, records.total) }),
  });
  const stock = await takeStock(store, rotation.newKeyId.slice('dek-'.length));
  const checks = judge({ rotation, counts: records.counts, opened, stock, activity });
  for (const { holds, claim, evidence, troubles } of checks) {
    screen.print(`  ${holds ? paint.good('✔') : paint.bad('✘')} ${claim.padEnd(20)}  ${evidence}`);
    if (!holds) screen.print(...troubles.map((trouble) => paint.bad(`      ${trouble}`)));
  }
  const failed = checks.filter(({ holds }) => !holds);
  if (failed.length > 0) {
    screen.print(
      '',
      paint.bad(`  The proof failed: ${plural(failed.length, 'claim does', 'claims do')} not hold.`),
    );
  }
  return failed.length === 0;
}
