/**
 * `npm run chaos -- --minutes N --seed S [--folder F] [--only kind,kind] [--adversary SECONDS]`: hostile writers for a
 * minute (or so many seconds), then a run of the fault harness. With `--kills N`:
 * that many kills of workers in a row on one rotation. Prints the report, keeps history and logs in the folder, and exits with 1 when there was a violation.
 */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runUntilDone } from '@rekey/stack';
import { runAdversaries } from './adversary.ts';
import { faultKinds } from './faults/kinds.ts';
import { killInARow } from './kills.ts';
import { longPlan } from './plan.ts';
import { render } from './report.ts';
import { run } from './run.ts';

const minutesMax = 240;
const killsMax = 1_000;
const adversaryMaxSeconds = 3_600;
/** A worker that was killed is replaced within this. */
const resumeMaxMs = 15_000;
/** For the end of all rotations, the last reads and the judgement. */
const hardStopMs = 30 * 60_000;

await runUntilDone(async (signal) => {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '2' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      folder: { type: 'string' },
      only: { type: 'string' },
      kills: { type: 'string' },
      adversary: { type: 'string', default: '60' },
    },
  });
  const minutes = Number(values.minutes);
  const seed = Number(values.seed);
  if (!(minutes > 0 && minutes <= minutesMax) || !Number.isSafeInteger(seed)) {
    process.stderr.write(`usage: npm run chaos -- --minutes 1…${minutesMax} --seed <integer>\n`);
    return 2;
  }
  const only = values.only?.split(',');
  const without = only === undefined ? [] : faultKinds.filter((kind) => !only.includes(kind));
  const folder =
    values.folder === undefined ? await mkdtemp(join(tmpdir(), 'rekey-chaos-')) : resolve(values.folder);
  await mkdir(folder, { recursive: true });
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  print(`Seed ${seed}; history and logs in ${folder}`);
  // Whatever hangs: the keepers stop what is left.
  setTimeout(() => process.exit(3), minutes * 60_000 + hardStopMs).unref();
  if (values.kills !== undefined) {
    const asked = Math.min(Number(values.kills), killsMax);
    const { kills, status, pausesMs, takeoversMs } = await killInARow(asked, seed, folder, print, signal);
    print(
      `${kills} of ${asked} kills while the rotation ran; it ended ${status}. It went on after ${spread(pausesMs)}. ` +
        `${takeoversMs.length} ranges of killed workers were taken over, having stood still for ${spread(takeoversMs)}.`,
    );
    return kills === asked && status === 'completed' && Math.max(0, ...pausesMs) < resumeMaxMs ? 0 : 1;
  }
  const seconds = Math.min(Number(values.adversary), adversaryMaxSeconds);
  const wrong = seconds > 0 ? await runAdversaries(seconds, seed, print) : 0;
  const report = await run({ ...longPlan(seed, minutes), without }, folder, print, signal);
  const text = render(report);
  await writeFile(join(folder, 'report.md'), text);
  print(text);
  return report.violations.length + wrong === 0 ? 0 : 1;
});

function spread(all: readonly number[]): string {
  const sorted = all.map(Math.round).sort((a, b) => a - b);
  return `${sorted[sorted.length >> 1] ?? 0} ms at the median, ${sorted.at(-1) ?? 0} ms at most`;
}
