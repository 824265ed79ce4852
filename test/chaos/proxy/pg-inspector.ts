import { setTimeout as sleep } from 'node:timers/promises';
import {
  applicationOf,
  createFrameReader,
  createStatementReader,
  type Frame,
  simpleQuery,
} from './pg-frames.ts';
import type { ArmedTripwire } from './tripwire.ts';

/** Looks at what passes on one connection. Returns what is to be sent on; null: cut the connection. */
export interface Inspector {
  toServer(chunk: Buffer, forward: (bytes: Buffer) => void): Promise<Buffer | null>;
  toClient(chunk: Buffer): Promise<Buffer | null>;
}

/** Watches the statements of one Postgres connection for the tripwires that are armed at the moment. */
export function createPgInspector(tripwires: () => readonly ArmedTripwire[]): Inspector {
  const read = createFrameReader(true);
  const statementOf = createStatementReader();
  const progress = new WeakMap<ArmedTripwire, number>();
  let application = '';
  let awaiting: { tripwire: ArmedTripwire; read: (chunk: Buffer) => Frame[]; held: Buffer[] } | undefined;
  let withoutSync: ArmedTripwire | undefined;
  let replaced = false;

  /** The tripwire that this statement springs. */
  const sprung = (statement: string): ArmedTripwire | undefined => {
    for (const tripwire of tripwires()) {
      if (tripwire.application?.test(application) === false) continue;
      const step = /^(begin|rollback)/i.test(statement) ? 0 : (progress.get(tripwire) ?? 0);
      if (tripwire.steps[step]?.test(statement) !== true) {
        progress.set(tripwire, step);
        continue;
      }
      progress.set(tripwire, step + 1);
      if (step + 1 === tripwire.steps.length && tripwire.take()) return tripwire;
    }
    return undefined;
  };

  return {
    async toServer(chunk, forward) {
      const out: Buffer[] = [];
      for (const frame of read(chunk)) {
        if (frame.type === '') application = applicationOf(frame);
        if (replaced) {
          // What belongs to the statement that was not sent; the one instead brings its own end.
          replaced = frame.type !== 'S';
          continue;
        }
        if (withoutSync !== undefined && frame.type === 'S') {
          forward(Buffer.concat(out.splice(0)));
          await sleep(100); // the server runs what it has, and commits only at the Sync
          if ((await withoutSync.spring()) !== 'pass') return null;
          withoutSync = undefined;
        }
        const statement = statementOf(frame);
        const tripwire = statement === undefined ? undefined : sprung(statement);
        if (tripwire?.moment === 'before') {
          forward(Buffer.concat(out.splice(0)));
          const then = await tripwire.spring();
          if (then === 'drop') return null;
          out.push(then === 'pass' ? frame.bytes : simpleQuery(then.instead));
          replaced = then !== 'pass' && frame.type !== 'Q';
          continue;
        }
        if (tripwire?.moment === 'uncommitted') withoutSync = tripwire;
        if (tripwire?.moment === 'after') awaiting = { tripwire, read: createFrameReader(false), held: [] };
        out.push(frame.bytes);
      }
      return Buffer.concat(out);
    },

    async toClient(chunk) {
      if (awaiting === undefined) return chunk;
      awaiting.held.push(chunk);
      // A client sends its next statement after ReadyForQuery only, so the first one answers ours.
      if (!awaiting.read(chunk).some(({ type }) => type === 'Z')) return Buffer.alloc(0);
      const { tripwire, held } = awaiting;
      awaiting = undefined;
      return (await tripwire.spring()) === 'drop' ? null : Buffer.concat(held);
    },
  };
}

/** For Redis: a step is a text that a request holds; the next answer is the one to it. */
export function createRedisInspector(tripwires: () => readonly ArmedTripwire[]): Inspector {
  let awaiting: ArmedTripwire | undefined;
  return {
    async toServer(chunk) {
      const text = tripwires().length === 0 ? '' : chunk.toString('latin1');
      for (const tripwire of tripwires()) {
        if (tripwire.steps[0]?.test(text) !== true || !tripwire.take()) continue;
        if (tripwire.moment === 'after') awaiting = tripwire;
        else if ((await tripwire.spring()) === 'drop') return null;
      }
      return chunk;
    },
    async toClient(chunk) {
      if (awaiting === undefined) return chunk;
      const tripwire = awaiting;
      awaiting = undefined;
      return (await tripwire.spring()) === 'drop' ? null : chunk;
    },
  };
}
