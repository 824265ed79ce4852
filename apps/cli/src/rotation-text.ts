import type { Rotation } from '@rekey/client';
import type { Fact } from './facts.ts';
import { type Part, type Style, styled } from './output.ts';
import type { Cell } from './table.ts';
import { moment } from './times.ts';

type Counts = Rotation['itemsToRotate'];

const grouped = new Intl.NumberFormat('en-US');
export const count = (value: number): string => grouped.format(value);
export const sum = ({ credentials, apiKeys, secrets }: Counts): number => credentials + apiKeys + secrets;

/** `in progress`: as people write it. */
export const words = (text: string): string => text.replaceAll('_', ' ');

/** Of whatever is worked on: a rotation, a rewrap, a campaign. */
export function statusStyle(status: string): Style {
  if (status === 'completed') return 'good';
  return status === 'failed' || status === 'completed_with_failures' ? 'bad' : 'bold';
}

const statusPart = ({ status }: Rotation): Part => styled(statusStyle(status), words(status));

/** `1 tenant`, `1,200 tenants` */
export const counted = (value: number, one: string): string =>
  `${count(value)} ${one}${value === 1 ? '' : 's'}`;

/** How it stands in a column; where that is narrow, how much is done stands in it. */
export function statusCell({ status, percentComplete }: { status: string; percentComplete: number }): Cell {
  const isOpen = status === 'in_progress' || status === 'paused';
  const short =
    status === 'completed_with_failures' ? 'with failures' : words(status).replace('in progress', 'running');
  return {
    text: words(status),
    short: isOpen ? `${short} ${percentComplete} %` : short,
    style: statusStyle(status),
  };
}

/** `25 credentials, 1 API key, 0 secrets` */
export function describe({ credentials, apiKeys, secrets }: Counts): string {
  return [counted(credentials, 'credential'), counted(apiKeys, 'API key'), counted(secrets, 'secret')].join(
    ', ',
  );
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

/** As wide are labels, so that what comes behind another stands in line. */
export const detailsLabel = 10;

/** What `status` shows. */
export function details(rotation: Rotation): Fact[] {
  const { waitingDetail: waiting, failureReason } = rotation;
  const rows: Fact[] = [
    ['rotation', rotation.rotationId],
    ['tenant', rotation.tenantId],
    ['status', statusPart(rotation), `, ${rotation.phase}, ${rotation.percentComplete} %`],
    ...(rotation.retryOf === null ? [] : [['retry of', rotation.retryOf] as Fact]),
    [rotation.retryOf === null ? 'new key' : 'key', rotation.newKeyId],
    ['old key', rotation.previousKeyId ?? 'none'],
    ['to rotate', describe(rotation.itemsToRotate)],
    ['rotated', describe(rotation.itemsRotated)],
    ['superseded', describe(rotation.itemsSuperseded)],
    ['set aside', describe(rotation.itemsFailed)],
    ['remaining', describe(rotation.itemsRemaining)],
    ['started', `${moment(rotation.startedAt)} by ${rotation.initiatedBy.name ?? rotation.initiatedBy.id}`],
    rotation.completedAt === null
      ? ['expected', expected(rotation)]
      : ['ended', moment(rotation.completedAt)],
  ];
  rows.push(...planned(rotation));
  if (rotation.itemsPerSecondMax !== null)
    rows.push(['at most', `${count(rotation.itemsPerSecondMax)} records/s`]);
  if (waiting !== null) rows.push(['waits', waiting.what], ['to do', waiting.todo]);
  if (failureReason !== null) rows.push(['reason', styled('bad', failureReason)]);
  return rows;
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
  if (estimatedRange?.latest) return `${moment(estimatedRange.earliest)} to ${moment(estimatedRange.latest)}`;
  const held = waitingFor !== null || throttledBy !== null;
  if (status !== 'in_progress' || !held) return moment(estimatedCompletion);
  return `not before ${moment(estimatedRange?.earliest ?? estimatedCompletion)}, if it went on now`;
}

/** Of one that was started with a plan: what was planned, and what it took so far. */
function planned({ plan, actual }: Rotation): Fact[] {
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
