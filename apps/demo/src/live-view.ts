import type { ItemCounts, Rotation } from '@rekey/contract';
import { type Activity, type Period, sumOf, type Tally } from './application.ts';
import { barLine, labelled } from './bars.ts';
import { count, left, percent, took } from './format.ts';
import type { Paint } from './paint.ts';
import { targets, totalOf } from './records.ts';

/** All there is to see while the application works. */
export interface Scene {
  readonly period: Period;
  /** What there is to rotate: counted by the API at the call, the seeded records before. */
  readonly counts: ItemCounts;
  /** Null before the API has told of it. */
  readonly rotation: Rotation | null;
  readonly sinceCallMs: number;
  readonly nowMs: number;
  readonly activity: Activity;
  /** Operations of the last second. */
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
  readonly running: readonly string[];
}

const phases = ['queued', 'activating', 'sweeping', 'verifying', 'done'] as const;

/** The block that is drawn again and again: a bar per item type, the phase, the application, the processes. */
export function liveView(scene: Scene, { columns, paint }: { columns: number; paint: Paint }): string[] {
  const { counts, activity, running } = scene;
  const noteWidth = Math.max(...targets.map(({ itemType }) => 2 * count(counts[itemType]).length + 4));
  const bars = targets.map(({ itemType, label }) => {
    const done = doneOf(scene, itemType);
    const total = counts[itemType];
    const note = `${count(done)} of ${count(total)}`;
    return barLine({ label, fraction: fractionOf(scene, done, total), note }, { columns, noteWidth, paint });
  });
  return [
    '',
    ...bars,
    '',
    labelled('phase', phaseText(scene, paint), paint),
    labelled('rate', rateText(scene), paint),
    labelled('application', operations('reads', activity.reads, scene.readsPerSecond, paint), paint),
    labelled('', operations('writes', activity.writes, scene.writesPerSecond, paint), paint),
    labelled('processes', running.join(', '), paint),
  ];
}

/** How it stands with the rotation, as one line, for where nothing can be drawn in place. */
export function plainLine(scene: Scene): string {
  const { rotation, counts } = scene;
  const total = totalOf(counts);
  const done = targets.reduce((sum, { itemType }) => sum + doneOf(scene, itemType), 0);
  return [
    `  ${(rotation?.phase ?? 'called').padEnd(11)}`,
    percent((rotation?.percentComplete ?? 0) / 100).padStart(6),
    `${count(done).padStart(count(total).length)} of ${count(total)} records`,
    rateText(scene),
    plainActivity(scene.activity),
  ].join('  ');
}

/** `1,203 reads, 410 writes, 0 errors`: since the start, or of one period. */
export function plainActivity({ reads, writes }: Activity, period?: Period): string {
  const of = (tally: Activity['reads']): Tally => (period === undefined ? sumOf(tally) : tally[period]);
  const errors = of(reads).errors + of(writes).errors;
  return `${count(of(reads).done)} reads, ${count(of(writes).done)} writes, ${count(errors)} errors`;
}

/** What has to change to be worth another plain line: the phase, what is waited for, or five percent. */
export function noticeableIn({ rotation }: Pick<Scene, 'rotation'>): string {
  if (rotation === null) return '';
  return `${rotation.phase} ${rotation.waitingFor} ${Math.floor(rotation.percentComplete / 5)}`;
}

function doneOf({ rotation, counts }: Pick<Scene, 'rotation' | 'counts'>, type: keyof ItemCounts): number {
  return rotation === null ? 0 : counts[type] - Math.min(counts[type], rotation.itemsRemaining[type]);
}

/** Nothing to do is done at the end, and not before it. */
function fractionOf({ rotation }: Pick<Scene, 'rotation'>, done: number, total: number): number {
  if (total === 0) return rotation?.phase === 'done' ? 1 : 0;
  return done / total;
}

function phaseText({ period, rotation }: Scene, paint: Paint): string {
  if (rotation === null) return period === 'before' ? 'before the call' : 'called';
  const at = phases.indexOf(rotation.phase);
  return phases
    .map((phase, index) => {
      if (index < at || rotation.phase === 'done') return `${paint.good('✔')} ${phase}`;
      return index === at ? `${paint.accent('▸')} ${paint.bold(phase)}` : paint.dim(`· ${phase}`);
    })
    .join('  ');
}

function rateText({ period, rotation, sinceCallMs, nowMs }: Scene): string {
  if (period === 'before') return 'the application works; the call comes in a moment';
  const since = took(sinceCallMs);
  if (rotation === null) return `${since} since the call`;
  if (rotation.completedAt !== null) return `${rotation.status.replaceAll('_', ' ')} ${since} after the call`;
  if (rotation.waitingFor !== null)
    return `${since} since the call, waiting for ${waits[rotation.waitingFor]}`;
  if (rotation.itemsPerSecond === 0 || rotation.estimatedCompletion === null)
    return `${since} since the call`;
  const leftMs = Date.parse(rotation.estimatedCompletion) - nowMs;
  return `${count(rotation.itemsPerSecond)} records/s, ${left(leftMs)} left, ${since} since the call`;
}

const waits = {
  worker: 'a worker',
  kms: 'the KMS',
  database: 'the database',
  lock: 'a lock',
  integrity: 'somebody to put right what it cannot trust',
  internal: 'a fault to be mended',
  window: 'its window of time',
  kek_suspended: 'its KEK',
} as const;

function operations(
  kind: 'reads' | 'writes',
  tally: Activity['reads'],
  perSecond: number,
  paint: Paint,
): string {
  const { done, errors } = sumOf(tally);
  const wrong = errors === 0 ? paint.good('0 errors') : paint.bad(`${count(errors)} errors`);
  return `${kind.padEnd(8)}${count(done).padStart(9)}${`${count(perSecond)}/s`.padStart(10)}   ${wrong}`;
}
