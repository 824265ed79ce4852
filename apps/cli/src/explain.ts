import type { Rotation } from '@rekey/client';
import { count, describe, sum, words } from './rotation-text.ts';

/** A record that was set aside, as the API lists it. */
interface SetAside {
  readonly target: string;
  readonly recordId: string;
  readonly reason: string;
}

/** The story of a rotation in plain sentences, from nothing but what the API tells of it. */
export function explain(rotation: Rotation, setAside: readonly SetAside[]): string[] {
  return [
    ...beginning(rotation),
    ...keys(rotation),
    ...records(rotation),
    ...aside(rotation, setAside),
    ...waiting(rotation),
    ...ending(rotation),
  ];
}

function beginning({
  retryOf,
  initiatedBy: { id, name },
  tenantId,
  startedAt,
  itemsToRotate,
  compromise,
}: Rotation): string[] {
  const who = name === null ? id : `${name} (${id})`;
  const what =
    retryOf === null ? 'a new key for the tenant' : `what ${retryOf} left to be re-encrypted, for the tenant`;
  return [
    `On ${when(startedAt)}, ${who} asked for ${what} ${tenantId}.`,
    ...(compromise
      ? [
          'The active key was compromised: this rotation comes before all others, nothing holds it back, and who still holds that key is ended.',
        ]
      : []),
    `The tenant had ${describe(itemsToRotate)} to re-encrypt then.`,
  ];
}

function keys({
  retryOf,
  previousKeyId: old,
  newKeyId,
  switchedAt,
  drainedAt,
  startedAt,
  status,
}: Rotation): string[] {
  if (switchedAt === null) {
    const state =
      status === 'in_progress' || status === 'paused' ? 'is not active yet' : 'never became active';
    return [
      `The new key, ${newKeyId}, ${state}${old === null ? '' : `: the tenant's applications use ${old}`}.`,
    ];
  }
  const drained =
    drainedAt === null
      ? 'Transactions that hold the old key are still finishing; until they have, records may be written under it.'
      : `From ${when(drainedAt)} on nothing could be written under the old key any more.`;
  if (retryOf !== null)
    return [
      `There is no new key in it: records go to ${newKeyId}, which was active since ${when(switchedAt)}.`,
      drained,
    ];
  const switched = `The new key, ${newKeyId}, became active ${since(startedAt, switchedAt)} later`;
  if (old === null) return [`${switched}; the tenant had none before.`];
  return [`${switched}, in place of ${old}.`, drained];
}

function records(rotation: Rotation): string[] {
  const { itemsRotated, itemsSuperseded, itemsRemaining, completedAt, switchedAt, percentComplete } =
    rotation;
  if (switchedAt === null) return ['No record has been touched.'];
  const left = sum(itemsRemaining);
  const done = `The workers re-encrypted ${records_(sum(itemsRotated))}`;
  const superseded = sum(itemsSuperseded);
  const itself =
    superseded === 0 ? '' : `, and ${records_(superseded)} left the old key by the application's own writes`;
  const still =
    completedAt === null
      ? `; ${records_(left)} ${left === 1 ? 'is' : 'are'} left (${percentComplete} % done)`
      : '';
  return [`${done}${itself}${still}.`];
}

const records_ = (value: number): string => `${count(value)} ${value === 1 ? 'record' : 'records'}`;

function aside({ itemsFailed, rotationId }: Rotation, listed: readonly SetAside[]): string[] {
  const all = sum(itemsFailed);
  if (all === 0) return [];
  const more = all - listed.length;
  return [
    `${records_(all)} could not be re-encrypted and ${all === 1 ? 'was' : 'were'} set aside, untouched:`,
    ...listed.map(({ target, recordId, reason }) => `  ${target} ${recordId}: ${reason}`),
    ...(more > 0 ? [`  and ${count(more)} more: rekey failures ${rotationId}`] : []),
  ];
}

function waiting({ waitingFor, waitingDetail }: Rotation): string[] {
  if (waitingFor === null && waitingDetail === null) return [];
  if (waitingDetail === null) return [`It waits for ${words(waitingFor ?? '')}.`];
  const { what, since: from, todo, holders = [] } = waitingDetail;
  return [
    `It waits${from === null ? '' : ` since ${when(from)}`}: ${sentence(what)}`,
    ...holders.map(
      ({ pid, applicationName, since: held }) =>
        `  held by ${applicationName ?? 'a session'}${pid === null ? '' : ` (process ${pid})`}${held === null ? '' : ` since ${when(held)}`}`,
    ),
    `What to do: ${sentence(todo)}`,
  ];
}

function ending({
  status,
  startedAt,
  completedAt,
  failureReason,
  rotationId,
  itemsRemaining,
  supersededBy,
}: Rotation): string[] {
  if (completedAt === null) {
    if (status === 'paused') return [`It is paused and stands still until: rekey resume ${rotationId}`];
    return [`It is still running. To follow it: rekey wait ${rotationId}`];
  }
  const took = `${when(completedAt)}, ${since(startedAt, completedAt)} after the call`;
  if (status === 'completed')
    return [`The database counted no record on an older key, and the rotation completed on ${took}.`];
  if (status === 'completed_with_failures')
    return [`Nothing but what was set aside is on an older key; the rotation ended on ${took}.`];
  const left = sum(itemsRemaining);
  const rest =
    left === 0
      ? ''
      : ` ${records_(left)} ${left === 1 ? 'is' : 'are'} still on an older key, and can be read as before.`;
  if (supersededBy !== null)
    return [
      `It was replaced on ${took}, because a key was compromised: ${supersededBy} sweeps what it left.`,
    ];
  if (status === 'cancelled') return [`It was cancelled on ${took}.${rest}`];
  return [`It failed on ${took}: ${failureReason ?? 'no reason is known'}.${rest}`];
}

const when = (at: string): string => `${at.slice(0, 10)} at ${at.slice(11, 19)} UTC`;

function since(from: string, to: string): string {
  const seconds = Math.max(0, (Date.parse(to) - Date.parse(from)) / 1_000);
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);
