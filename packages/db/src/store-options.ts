import type { ConnectionBudget } from './connection-budget.ts';
import type { Settings } from './session-settings.ts';

export interface StoreOptions {
  readonly url: string;
  /** Connections at most. */
  readonly max?: number;
  /** Of the whole process, when its connections are counted; the pools' `max` are within what it has for pools. */
  readonly budget?: ConnectionBudget;
  /** How long a caller queues for a connection; by default short enough for an API. */
  readonly queueTimeoutMs?: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName?: string;
  /** Settings of every session, by the names that Postgres gives them; they come before those that all sessions have. */
  readonly session?: Settings;
  /** How long one connection may be in the making; by default short enough for an API that waits for it. */
  readonly connectTimeoutMs?: number;
  /**
   * A connection that is taken and on which nothing was heard for so long is cut: its other end is gone without a word,
   * and would be waited for until TCP gives up, which takes a quarter of an hour or two. Postgres ends a lock's wait and
   * a statement a little before. Absent: it may be silent for ever (to listen on).
   */
  readonly takenMaxMs?: number;
  /**
   * Behind a pooler in transaction mode nothing can be set in a session. `refuse`, the default: no connection comes
   * about there. `accept`: for whoever does without; only `inTransaction` then has what it sets itself.
   */
  readonly transactionPooler?: 'refuse' | 'accept';
  /** Called for connections that die while idle; the pool replaces them by itself. */
  readonly onError: (error: Error) => void;
}
