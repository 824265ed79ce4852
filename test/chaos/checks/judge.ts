import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Line } from '../history.ts';
import { availabilityCheck } from './availability.ts';
import { kmsWaitCheck } from './kms-waits.ts';
import { lockWaitCheck } from './lock-waits.ts';
import { type ProbeCounts, readinessCheck } from './readiness.ts';
import { rotationCheck } from './rotations.ts';
import { type ValueCounts, valueCheck } from './values.ts';
import { collector, type Violation } from './violation.ts';

/** What the history tells, counted. */
export interface Judgement {
  readonly violations: Violation[];
  readonly values: ValueCounts;
  /** By what was called and what was answered. */
  readonly calls: Map<string, number>;
  readonly faults: Map<string, { injected: number; seen: number }>;
  /** Rotations that somebody was told of. */
  readonly rotations: Map<string, string>;
  readonly staleAnswers: number;
  readonly probes: ProbeCounts;
  /** How often the machine stood still, and for how long in all. */
  readonly stalls: { readonly times: number; readonly ms: number };
  /** How often a rotation or a rewrap began to wait for a KMS, by what it said. */
  readonly waits: Map<string, number>;
}

/** Reads a recorded history from its beginning and judges it. */
export async function judge(file: string): Promise<Judgement> {
  const values = valueCheck();
  const rotationsSeen = rotationCheck();
  const readiness = readinessCheck();
  const checks = [values, rotationsSeen, availabilityCheck(), lockWaitCheck(), kmsWaitCheck(), readiness];
  const whileRunning = new Map<string, ReturnType<typeof collector>>();
  const calls = new Map<string, number>();
  const faults = new Map<string, { injected: number; seen: number }>();
  const rotations = new Map<string, string>();
  const stalls = { times: 0, ms: 0 };
  const waits = new Map<string, number>();

  for await (const text of createInterface({ input: createReadStream(file) })) {
    const line = JSON.parse(text) as Line; // written by history.ts
    for (const check of checks) check.see(line);
    if (line.t === 'violation') {
      const found = whileRunning.get(line.check) ?? collector(line.check);
      whileRunning.set(line.check, found);
      found.add(`${line.what} (at ${line.at})`);
    } else if (line.t === 'call') {
      const key = `${line.what} ${line.status}${line.status === 0 ? ` ${line.code}` : ''}`;
      calls.set(key, (calls.get(key) ?? 0) + 1);
      if (line.id?.startsWith('rot-') === true)
        rotations.set(line.id, line.view?.status ?? rotations.get(line.id) ?? 'in_progress');
    } else if (line.t === 'waiting') {
      const key = `${line.id.split('-', 1)[0] === 'rot' ? 'rotations' : 'rewraps'} for ${line.reason}`;
      waits.set(key, (waits.get(key) ?? 0) + 1);
    } else if (line.t === 'stall') {
      stalls.times += 1;
      stalls.ms += line.e - line.b;
    } else if (line.t === 'fault') {
      const count = faults.get(line.kind) ?? { injected: 0, seen: 0 };
      faults.set(line.kind, { injected: count.injected + 1, seen: count.seen + (line.seen ? 1 : 0) });
    }
  }
  return {
    violations: [
      ...[...whileRunning.values()].flatMap((found) => found.all()),
      ...checks.flatMap((check) => check.verdict()),
    ],
    values: values.counts,
    calls,
    faults,
    rotations,
    staleAnswers: rotationsSeen.staleAnswers(),
    probes: readiness.counts,
    stalls,
    waits,
  };
}
