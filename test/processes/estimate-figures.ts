/**
 * `npm run estimates:figures`: ten rotations, four of them throttled, and whether they ended when it was told at 10, 50 and 90 % of
 * the way: within a fifth of it, or within the range that was told, if that is no wider than one to one and a half. It exits with 1
 * where one did not. It is no test: what it measures is this machine too.
 */
import { test } from 'node:test';
import { measureEstimates, type Run, said } from './estimating.ts';

const thousands = Number(process.env.ESTIMATE_THOUSANDS ?? 150);
const size = (times: number): number => Math.round(thousands * times) * 1_000;
const runs: Run[] = [
  { records: size(3), held: 'nothing' },
  { records: size(1), held: 'a limit', itemsPerSecondMax: size(1) / 25 },
  { records: size(4), held: 'nothing' },
  { records: size(1), held: 'a switch that stops it', itemsPerSecondMax: size(1) / 25 },
  { records: size(3), held: 'nothing' },
  { records: size(1), held: 'a limit that is doubled', itemsPerSecondMax: size(1) / 25 },
  { records: size(4), held: 'nothing' },
  { records: size(2), held: 'an application' },
  { records: size(3), held: 'nothing' },
  { records: size(4), held: 'nothing' },
];

test('ten rotations', { timeout: 1_200_000 }, async (t) => {
  const measured = await measureEstimates(runs, { onRun: (run) => process.stderr.write(`${said(run)}\n`) });
  const looks = measured.flatMap((run) => run.looks);
  const wanted = looks.filter(({ isWanted }) => isWanted).length;
  const whole = measured.filter(
    (run) => run.looks.length === 3 && run.looks.every(({ isWanted }) => isWanted),
  );
  t.diagnostic(
    `as wanted: ${whole.length} of ${runs.length} rotations, ${wanted} of ${3 * runs.length} looks`,
  );
  if (whole.length < runs.length) throw new Error('not as wanted');
});
