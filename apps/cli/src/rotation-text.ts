import type { Rotation } from '@rekey/client';
import { type Part, styled } from './output.ts';

type Counts = Rotation['itemsToRotate'];

const grouped = new Intl.NumberFormat('en-US');
export const count = (value: number): string => grouped.format(value);
export const sum = ({ credentials, apiKeys, secrets }: Counts): number => credentials + apiKeys + secrets;

/** `in progress`: as people write it. */
export const words = (text: string): string => text.replaceAll('_', ' ');

export function statusPart({ status }: Rotation): Part {
  if (status === 'completed') return styled('good', words(status));
  return styled(status === 'failed' || status === 'completed_with_failures' ? 'bad' : 'bold', words(status));
}

/** `25 credentials, 1 API key, 0 secrets` */
export function describe({ credentials, apiKeys, secrets }: Counts): string {
  const of = (value: number, one: string): string => `${count(value)} ${one}${value === 1 ? '' : 's'}`;
  return [of(credentials, 'credential'), of(apiKeys, 'API key'), of(secrets, 'secret')].join(', ');
}

/** One line that says how it stands. */
export function progress(rotation: Rotation): string {
  const { status, phase, percentComplete, itemsPerSecond, waitingFor } = rotation;
  const all = sum(rotation.itemsToRotate);
  const done = Math.max(0, all - sum(rotation.itemsRemaining));
  return [
    `${words(status)}, ${phase}`,
    `${percentComplete} %`,
    `${count(done)} of ${count(all)} records`,
    ...(itemsPerSecond > 0 ? [`${count(Math.round(itemsPerSecond))}/s`] : []),
    ...(waitingFor === null ? [] : [`waits for ${words(waitingFor)}`]),
  ].join('  ');
}

/** What `status` shows: a label and a value a line. */
export function details(rotation: Rotation): Part[][] {
  const { waitingDetail: waiting, failureReason } = rotation;
  const rows: Array<[label: string, ...parts: Part[]]> = [
    ['rotation', rotation.rotationId],
    ['tenant', rotation.tenantId],
    ['status', statusPart(rotation), `, ${rotation.phase}, ${rotation.percentComplete} %`],
    ...(rotation.retryOf === null ? [] : [['retry of', rotation.retryOf] as [string, Part]]),
    [rotation.retryOf === null ? 'new key' : 'key', rotation.newKeyId],
    ['old key', rotation.previousKeyId ?? 'none'],
    ['to rotate', describe(rotation.itemsToRotate)],
    ['rotated', describe(rotation.itemsRotated)],
    ['superseded', describe(rotation.itemsSuperseded)],
    ['set aside', describe(rotation.itemsFailed)],
    ['remaining', describe(rotation.itemsRemaining)],
    ['started', `${rotation.startedAt} by ${rotation.initiatedBy.name ?? rotation.initiatedBy.id}`],
    rotation.completedAt === null ? ['expected', expected(rotation)] : ['ended', rotation.completedAt],
  ];
  rows.push(...planned(rotation));
  if (rotation.itemsPerSecondMax !== null)
    rows.push(['at most', `${count(rotation.itemsPerSecondMax)} records/s`]);
  if (waiting !== null) rows.push(['waits', waiting.what], ['to do', waiting.todo]);
  if (failureReason !== null) rows.push(['reason', styled('bad', failureReason)]);
  return rows.map(([label, ...parts]) => [styled('dim', label.padEnd(12)), ...parts]);
}

/** A moment, or between which: no end is told of what stands still. */
function expected({
  status,
  estimatedCompletion,
  estimatedRange,
  waitingFor,
  throttledBy,
}: Rotation): string {
  if (estimatedCompletion === null) return 'not while it is paused';
  if (estimatedRange?.latest) return `${estimatedRange.earliest} to ${estimatedRange.latest}`;
  const held = waitingFor !== null || throttledBy !== null;
  if (status !== 'in_progress' || !held) return estimatedCompletion;
  return `not before ${estimatedRange?.earliest ?? estimatedCompletion}, if it went on now`;
}

/** Of one that was started with a plan: what was planned, and what it took so far. */
function planned({ plan, actual }: Rotation): Array<[label: string, part: Part]> {
  if (plan === undefined || actual === undefined) return [];
  const { seconds, walBytes, kmsCalls } = plan;
  const wal = actual.walBytes === null ? '' : `, ${count(actual.walBytes)} bytes of WAL by the whole server`;
  return [
    [
      'planned',
      `${count(seconds.low)} to ${count(seconds.high)} seconds, ${kmsCalls.low} to ${kmsCalls.high} KMS calls, ` +
        `${count(walBytes.low)} to ${count(walBytes.high)} bytes of WAL`,
    ],
    ['took', `${count(actual.seconds)} seconds, ${actual.kmsCalls} KMS calls${wal}`],
  ];
}
