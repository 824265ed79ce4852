import { cpus } from 'node:os';
import type { KmsFigures } from './checks/deks.ts';
import { type Gauge, lives } from './checks/growth.ts';
import type { Judgement } from './checks/judge.ts';
import { type KmsWork, mostCalls } from './checks/kms-calls.ts';
import type { Usage } from './checks/leaks.ts';
import type { Violation } from './checks/violation.ts';
import type { Plan } from './plan.ts';
import type { Watched } from './watcher.ts';

export interface Report {
  readonly plan: Plan;
  readonly began: Date;
  readonly judgement: Judgement;
  readonly usages: readonly Usage[];
  readonly kms: readonly KmsFigures[];
  readonly kmsWork: KmsWork;
  readonly gauges: readonly Gauge[];
  readonly watched: Watched;
  /** How long after the last fault the last rotation ended. */
  readonly endedMs: number;
  readonly violations: readonly Violation[];
}

/** The report as Markdown, to be read in a terminal or published as it is. */
export function render(report: Report): string {
  const { plan, began, judgement, usages, watched, endedMs, violations } = report;
  const { values, calls, faults, rotations, staleAnswers, probes, stalls } = judgement;
  const injected = [...faults.values()].reduce((sum, fault) => sum + fault.injected, 0);
  const seen = [...faults.values()].reduce((sum, fault) => sum + fault.seen, 0);
  const minutes = (plan.durationMs / 60_000).toFixed(1).replace(/\.0$/, '');
  return [
    `Seed ${plan.seed}, ${minutes} minutes at most, begun ${began.toISOString()}, on ${cpus().length} cores: ` +
      `${plan.workers} workers, 2 APIs, ${plan.tenants.length} tenants with ${sum(plan.tenants)} records.`,
    '',
    '| fault | injected | seen |',
    '|---|---:|---:|',
    ...[...faults]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([kind, count]) => `| ${kind} | ${count.injected} | ${count.seen} |`),
    `| **all** | **${injected}** | **${seen}** |`,
    '',
    '| operation | times |',
    '|---|---:|',
    `| reads checked | ${values.reads} |`,
    `| reads that failed (Postgres, KMS or link away) | ${values.failedReads} |`,
    `| writes acknowledged | ${values.writes} |`,
    `| writes whose acknowledgement was lost | ${values.lostAcknowledgements} |`,
    `| writes that failed | ${values.failedWrites} |`,
    ...[...calls].sort(([a], [b]) => a.localeCompare(b)).map(([call, times]) => `| ${call} | ${times} |`),
    `| rotations followed | ${rotations.size} |`,
    ...byStatus(rotations),
    `| status answers older than the one before, by 3 s at most | ${staleAnswers} |`,
    `| the machine stood still | ${stalls.times} (${Math.round(stalls.ms)} ms in all) |`,
    `| readiness probes: green, red, unanswered | ${probes.green}, ${probes.red}, ${probes.unanswered} |`,
    `| (DEK, IV) pairs seen, all different | ${watched.ivs} |`,
    '',
    ...keks(report),
    '',
    ...growth(report),
    '',
    `The last rotation ended ${endedMs} ms after the last fault. At rest: ` +
      `${usages.map(({ name, fds, rssMb }) => `${name} ${fds} descriptors and ${rssMb} MB`).join(', ')}.`,
    '',
    `**${violations.length} violations**`,
    ...violations.map(({ check, what }) => `- ${check}: ${what}`),
    '',
  ].join('\n');
}

/** Where DEKs have come to by rotations and rewraps, and who waited for it. */
function keks({ kms, kmsWork, judgement }: Report): string[] {
  return [
    '| KEK | calls of its KMS | of these while it was in trouble | DEKs in the end |',
    '|---|---:|---:|---:|',
    ...kms.map(({ name, calls, inTrouble, deks }) =>
      calls === null ? `| ${name} | – | – | ${deks} |` : `| ${name} | ${calls} | ${inTrouble} | ${deks} |`,
    ),
    '',
    `${kmsWork.calls} calls outside of trouble, for ${kmsWork.deks} DEKs, ${kmsWork.rewrapped} that were rewrapped and ` +
      `${kmsWork.lives} lives of workers; ${mostCalls(kmsWork)} would be too many.`,
    '',
    `Began to wait for a KMS: ${[...judgement.waits].map(([what, times]) => `${what} ${times}`).join(', ') || 'nobody'}.`,
  ];
}

/** The longest life of each slot's processes. */
function growth({ gauges }: Report): string[] {
  const all = lives(gauges);
  const names = [...new Set(all.map(({ name }) => name))].sort();
  return [
    '| process | lives | longest | memory, 2nd → last third of it | most descriptors | most connections |',
    '|---|---:|---:|---:|---:|---:|',
    ...names.map((name) => {
      const mine = all.filter((life) => life.name === name).sort((a, b) => b.seconds - a.seconds);
      const memory = mine[0]?.floorsMb?.map((mb) => `${mb} MB`).join(' → ') ?? 'too short';
      const fds = Math.max(...mine.map(({ fdsMax }) => fdsMax));
      const connections = Math.max(...mine.map(({ connectionsMax }) => connectionsMax));
      return `| ${name} | ${mine.length} | ${mine[0]?.seconds} s | ${memory} | ${fds} | ${connections} |`;
    }),
  ];
}

function byStatus(rotations: ReadonlyMap<string, string>): string[] {
  const counts = new Map<string, number>();
  for (const status of rotations.values()) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].sort().map(([status, times]) => `| … last seen ${status} | ${times} |`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
