import type { AdversaryReport } from './adversary.ts';

export function render(report: AdversaryReport): string {
  const { committedAfterProof, writes, proofs, switches, outcomes, unexpected } = report;
  const after = Object.values(committedAfterProof).reduce((sum, each) => sum + each, 0);
  return [
    `${writes} writes, ${switches.all} switches (${switches.drainedAtOnce} drained at once, ` +
      `${switches.drainedLater} later), ${proofs} proofs; ${after} writes under an older key after a proof, ` +
      `${unexpected.length} errors that nobody may get`,
    ...[...outcomes].map(
      ([kind, met]) => `  ${kind}: ${[...met].map(([what, times]) => `${what} ${times}`).join(', ')}`,
    ),
    ...Object.entries(committedAfterProof).map(([kind, times]) => `  after a proof: ${kind} ${times}`),
  ].join('\n');
}
