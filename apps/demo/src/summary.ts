import type { ItemCounts, Rotation } from '@rekey/contract';
import { type Activity, periods, type Tally } from './application.ts';
import { labelled } from './bars.ts';
import { count, took } from './format.ts';
import type { Paint } from './paint.ts';
import { totalOf } from './records.ts';

export interface Outcome {
  readonly rotation: Rotation;
  readonly callToCompletedMs: number;
  readonly activity: Activity;
}

const columnWidth = 12;

/** What came of it, in figures. */
export function summaryLines({ rotation, callToCompletedMs, activity }: Outcome, paint: Paint): string[] {
  const total = totalOf(rotation.itemsToRotate);
  const width = count(total).length;
  const row = (label: string, text: string): string => labelled(label, text, paint);
  const figure = (counts: ItemCounts, text: string): string =>
    `${count(totalOf(counts)).padStart(width)} ${text}`;
  const perSecond = (total * 1_000) / Math.max(1, callToCompletedMs);
  return [
    row('rotated', figure(rotation.itemsRotated, 're-encrypted by the workers')),
    row('superseded', figure(rotation.itemsSuperseded, "left the old key by the application's own writes")),
    row('failed', figure(rotation.itemsFailed, 'set aside')),
    row('time', `${took(callToCompletedMs)} from the call to completed, ${count(perSecond)} records/s`),
    row('old key', rotation.previousKeyId ?? 'none'),
    row('new key', rotation.newKeyId),
    '',
    row('application', paint.dim(periods.map((period) => period.padStart(columnWidth)).join(''))),
    row(
      'reads',
      cells(activity.reads, ({ done }) => count(done)),
    ),
    row('  longest', cells(activity.reads, longest)),
    row(
      'writes',
      cells(activity.writes, ({ done }) => count(done)),
    ),
    row('  longest', cells(activity.writes, longest)),
  ];
}

function cells(tally: Activity['reads'], text: (of: Tally) => string): string {
  return periods.map((period) => text(tally[period]).padStart(columnWidth)).join('');
}

function longest({ done, longestMs }: Tally): string {
  return done === 0 ? '–' : took(longestMs);
}

/** What to try next. */
export function nextLines(paint: Paint): string[] {
  const command = (text: string, what: string): string => `  ${paint.accent(text.padEnd(35))}${what}`;
  return [
    command('DEMO_RECORDS=1000000 npm run demo', 'the same with a million records'),
    command('npm start', 'the stack, kept running for your own calls'),
  ];
}
