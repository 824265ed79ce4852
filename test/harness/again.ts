/**
 * On a machine that others load a clock may stand still for seconds, and a test that waits for a process may fail of it. What has
 * failed in CI is run again, by itself and with nothing beside it, and is named whatever comes of it.
 */
import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';
import { suites } from '../suites.ts';

const FAILED = 'failed: ';

export interface Failure {
  readonly file: string;
  readonly test: string;
  /** Why, in one line. */
  readonly message: string;
}

/** The line that a report has of a test that failed; null of other events, and of what failed only because a test in it has. */
export function failureLine({ type, data }: TestEvent): string | null {
  if (type !== 'test:fail' || data.todo !== undefined || data.file === undefined) return null;
  const { error } = data.details;
  if ('failureType' in error && error.failureType === 'subtestsFailed') return null;
  const cause = error.cause instanceof Error ? error.cause : error;
  const failure: Failure = {
    file: relative(process.cwd(), data.file),
    test: data.name,
    message: cause.message.trim().replaceAll(/\s+/g, ' ').slice(0, 1_000),
  };
  return `${FAILED}${JSON.stringify(failure)}`;
}

/** What failed by a report, and what else it says. */
export function failuresOf(report: string): { failures: Failure[]; files: string[]; rest: string } {
  const lines = report.split('\n');
  const failures = lines
    .filter((line) => line.startsWith(FAILED))
    .map((line): Failure => JSON.parse(line.slice(FAILED.length)));
  return {
    failures,
    files: [...new Set(failures.map(({ file }) => file))].sort(),
    rest: lines.filter((line) => !line.startsWith(FAILED)).join('\n'),
  };
}

/** For the end of a run of several parts, whose first ones nobody sees any more: each that failed in a line. */
export function listOfFailures(failures: readonly Failure[]): string {
  return failures.map(({ file, test, message }) => `failed in ${file}: ${test}: ${message}\n`).join('');
}

/**
 * Where a failure stands at once: these tests look for orders of steps in which a write is lost, or show that there is none. One that
 * was found is found, however seldom it comes.
 */
const standing: readonly string[] = [
  ...suites.core.files.flatMap((pattern) => expanded(pattern)),
  'test/chaos/',
  'test/cases/',
  'test/model/',
  'test/permutations/',
];

/** Which files are run again: all that failed, if they are at most `max` and none is such that its failure stands; else none. */
export function filesToRunAgain(failed: readonly string[], max: number): readonly string[] {
  const few = failed.length <= max;
  return few && !failed.some((file) => standing.some((one) => file.startsWith(one))) ? failed : [];
}

/** `a/{b,c}.ts` as two names. */
function expanded(pattern: string): string[] {
  const [, before = pattern, names, after = ''] = /^(.*)\{(.*)\}(.*)$/.exec(pattern) ?? [];
  return names === undefined ? [before] : names.split(',').map((name) => `${before}${name}${after}`);
}
