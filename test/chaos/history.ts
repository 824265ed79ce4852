import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

/** How an operation ended: it happened; it did not; nobody knows, since its acknowledgement was lost. */
export type Outcome = 'ok' | 'fail' | 'info';

/** One line of the history. Times are milliseconds since the run began, by one monotonic clock. */
export type Line =
  | { t: 'record'; r: number; tenant: string; place: string }
  /** A write of version `n` of record `r` begins; `gone`: it deletes the record. */
  | { t: 'write'; r: number; n: number; b: number; by: string; gone?: true }
  | { t: 'wrote'; r: number; n: number; e: number; o: Outcome; why?: string }
  /** `n`: the version that was read; null: no such record. */
  | { t: 'read'; r: number; n: number | null; b: number; e: number; o: Outcome; why?: string }
  | {
      t: 'call';
      what: CallKind;
      via: string;
      tenant: string;
      id: string | null;
      b: number;
      e: number;
      status: number;
      code?: string;
      retryAfter?: boolean;
      replay?: boolean;
      view?: View;
    }
  | {
      t: 'fault';
      kind: string;
      b: number;
      e: number;
      seen: boolean;
      harms: readonly Harm[];
      /** The KEK of a KMS in trouble, and who alone may notice that; absent: everybody. */
      kek?: string;
      tenants?: readonly string[];
      detail: string;
    }
  /** A rotation or a rewrap was first seen to wait for a KMS. `kek`: the one that it names. */
  | { t: 'waiting'; at: number; id: string; tenant: string | null; reason: string; kek: string | null }
  | { t: 'probe'; name: string; role: 'worker' | 'api'; b: number; e: number; status: number }
  /** Postgres was surely away. */
  | { t: 'outage'; b: number; e: number }
  /** The machine stood still. */
  | { t: 'stall'; b: number; e: number }
  | { t: 'process'; name: string; what: string; at: number }
  /** A write waited for a lock that a session of ours had, or for somebody who waited for one. */
  | { t: 'lock-wait'; b: number; e: number; what: string }
  | { t: 'note'; at: number; what: string }
  | { t: 'violation'; check: string; at: number; what: string };

export type CallKind =
  | 'rotate'
  | 'status'
  | 'cancel'
  | 'pause'
  | 'resume'
  | 'retry'
  | 'limit'
  | 'choose-kek'
  | 'plan-rewrap'
  | 'rewrap'
  | 'rewrap-status'
  | 'pause-rewrap'
  | 'resume-rewrap'
  | 'cancel-rewrap';

/** What of a rotation's status the checker looks at; the counts are sums over the three kinds of items. */
export interface View {
  readonly status: string;
  readonly phase: string;
  readonly percent: number;
  readonly toRotate: number;
  /** Records that were inserted between the call and the switch: swept too, and not among what the call counted. */
  readonly inserted: number;
  readonly rotated: number;
  readonly superseded: number;
  readonly failed: number;
  readonly remaining: number;
  readonly completedAt: string | null;
}

/**
 * Who may notice a fault while it lasts: the application (whose calls may fail, or only take longer), callers of the API,
 * or only the rotations.
 */
export type Harm = 'application' | 'application latency' | 'api' | 'rotations';

export interface History {
  readonly file: string;
  now(): number;
  add(line: Line): void;
  /** Something that must never happen was seen while the run was going on. */
  violation(check: string, what: string): void;
  close(): Promise<void>;
}

export function openHistory(file: string): History {
  const out = createWriteStream(file);
  const began = performance.now();
  const now = (): number => Math.round((performance.now() - began) * 100) / 100;
  const add = (line: Line): void => {
    out.write(`${JSON.stringify(line)}\n`);
  };
  return {
    file,
    now,
    add,
    violation: (check, what) => add({ t: 'violation', check, at: now(), what }),
    async close() {
      out.end();
      await finished(out);
    },
  };
}
