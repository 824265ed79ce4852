import type { LogLevel } from '@rekey/runtime';

const ranks: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 };

export interface LogLine {
  readonly level: LogLevel;
  /** For a person: the message, then the other fields. */
  readonly text: string;
}

/** A line of a process's log. What is no log line, such as the trace of a crash, counts as an error. */
export function parseLogLine(line: string): LogLine {
  const entry = parseObject(line);
  const level = levelOf(entry?.level);
  if (entry === null || level === null || typeof entry.msg !== 'string')
    return { level: 'error', text: line };
  const { level: _level, time: _time, name: _name, msg, ...fields } = entry;
  const rest = Object.keys(fields).length === 0 ? '' : ` ${JSON.stringify(fields)}`;
  return { level, text: `${msg}${rest}` };
}

/** Whether whoever asked for `wanted` gets to see a line of `level`. */
export function isShown(level: LogLevel, wanted: LogLevel): boolean {
  return wanted !== 'silent' && ranks[level] >= ranks[wanted];
}

function parseObject(line: string): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : null;
  } catch {
    return null;
  }
}

function levelOf(value: unknown): LogLevel | null {
  return typeof value === 'string' && Object.hasOwn(ranks, value) ? (value as LogLevel) : null;
}
