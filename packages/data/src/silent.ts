import { clockAheadMs } from '@rekey/times';

/**
 * The condition that a heartbeat is older than an interval, or lies so far ahead that the database's clock must have
 * stepped back since: whoever lives gives another one within seconds, and nothing else would ever make it old. Both are
 * SQL expressions.
 */
export function silentFor(interval: string, heartbeat: string): string {
  return `(${heartbeat} < clock_timestamp() - ${interval} or ${heartbeat} > clock_timestamp() + ${seconds(clockAheadMs)})`;
}

/** A constant as SQL. */
export function seconds(ms: number): string {
  return `interval '${ms / 1_000} seconds'`;
}

/** The same, with the interval in milliseconds. */
export function silentForMs(ms: string, heartbeat: string): string {
  return silentFor(`make_interval(secs => ${ms} / 1000.0)`, heartbeat);
}
