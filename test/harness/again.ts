/**
 * On a machine that others load a clock may stand still for seconds, and a test that waits for a process may fail of it. What has
 * failed in CI is run again, by itself and with nothing beside it, and is named whatever comes of it.
 */
import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';
import { suites } from '../suites.ts';

const FAILED = 'failed file: ';

/** The line that a report has of the file of a test that failed; null of other events. */
export function failedFile({ type, data }: TestEvent): string | null {
  if (type !== 'test:fail' || data.todo !== undefined) return null;
  return data.file === undefined ? null : `${FAILED}${relative(process.cwd(), data.file)}`;
}

/** The files of a report in which something failed, and what else it says. */
export function failedFilesOf(report: string): { files: string[]; rest: string } {
  const lines = report.split('\n');
  const files = lines.filter((line) => line.startsWith(FAILED)).map((line) => line.slice(FAILED.length));
  return {
    files: [...new Set(files)].sort(),
    rest: lines.filter((line) => !line.startsWith(FAILED)).join('\n'),
  };
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
