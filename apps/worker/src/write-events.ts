import { randomUUID } from 'node:crypto';
import { nextEvents, type UnwrittenEvent } from '@rekey/control';
import type { Store } from '@rekey/db';
import type { Logger, LogLevel } from '@rekey/runtime';

/** Held in memory at one time, and written without anything else getting a turn: some milliseconds. */
const atOnce = 200;
/** So that no other chore waits long. */
const batchesMax = 10;

/**
 * A line for each event that the database recorded, whoever caused it: a call, a worker or SQL typed by hand. One worker of
 * all does it. A line is written before the database is told so, and the write returns when the operating system has it: a
 * reader of the log that is slow holds this up and loses nothing. A worker whose log has no lines of information leaves
 * events to others.
 */
export function createWriteEvents(
  store: Store,
  logger: Logger,
  level: LogLevel,
  onWritten: (count: number) => void = () => {},
): (signal: AbortSignal) => Promise<void> {
  if (level !== 'debug' && level !== 'info') return async () => {};
  const reader = randomUUID();
  let written: UnwrittenEvent[] = [];
  return async (signal) => {
    for (let batch = 1; ; batch += 1) {
      const isLast = batch > batchesMax || signal.aborted;
      const events = await nextEvents(store, reader, written, isLast ? 0 : atOnce);
      // One by one: where the log cannot be written, as on a full disk, the rest of them is given again.
      written = [];
      if (events.length === 0) return;
      for (const event of events) {
        writeEvent(logger, event);
        written.push(event);
        onWritten(1);
      }
    }
  };
}

function writeEvent(logger: Logger, event: UnwrittenEvent): void {
  const { kind, at, sequence, tenantId, rotationId, actor, databaseRole, payload } = event;
  logger.info('event', {
    event: kind,
    at,
    sequence,
    ...(tenantId === null ? {} : { tenantId }),
    ...(rotationId === null ? {} : { rotationId }),
    actor: actor.kind,
    ...(actor.realm === null ? {} : { realm: actor.realm }),
    subject: actor.id,
    databaseRole,
    ...textOf(payload, 'keyId'),
    ...textOf(payload, 'target'),
    ...textOf(payload, 'setting'),
  });
}

function textOf(payload: UnwrittenEvent['payload'], name: 'keyId' | 'target' | 'setting') {
  const value = payload[name];
  return typeof value === 'string' ? { [name]: value } : {};
}
