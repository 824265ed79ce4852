import { pino } from 'pino';
import type { LogLevel } from './env-types.ts';
import { type LogField, loggable } from './loggable.ts';

export type LogFields = Partial<Readonly<Record<LogField, unknown>>>;

/** What is asked for only if the line is written: of each request, say, where no line is. */
type FieldsOrHow = LogFields | (() => LogFields);

/**
 * Writes one line of JSON per call. Only fields of the allow-list are written, each reduced by {@link loggable}:
 * no header, body, Buffer or foreign error message can slip through, whatever is handed in.
 */
export interface Logger {
  debug(message: string, fields?: FieldsOrHow): void;
  info(message: string, fields?: FieldsOrHow): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** For the last line of a process that ends by an error. */
  fatal(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  /** Which process speaks: `api`, `worker`, … */
  readonly name: string;
  readonly level: LogLevel;
  /** Error classes of ours: only their messages may be logged. */
  readonly ourErrors?: ReadonlyArray<new (...args: never[]) => Error>;
  /** Where lines go; stdout when absent. */
  readonly write?: (line: string) => void;
}

export function createLogger({ name, level, ourErrors = [], write }: LoggerOptions): Logger {
  const sink = write === undefined ? pino.destination({ fd: 1, sync: true }) : { write };
  const lines = pino(
    {
      base: { name },
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    sink,
  );

  const withFields = (bound: Record<string, unknown>): Logger => {
    const say =
      (at: 'debug' | 'info' | 'warn' | 'error' | 'fatal') =>
      (message: string, fields: FieldsOrHow = {}): void => {
        if (!lines.isLevelEnabled(at)) return;
        const told = typeof fields === 'function' ? fields() : fields;
        lines[at]({ ...bound, ...loggable(told, ourErrors) }, message);
      };
    return {
      debug: say('debug'),
      info: say('info'),
      warn: say('warn'),
      error: say('error'),
      fatal: say('fatal'),
      child: (fields) => withFields({ ...bound, ...loggable(fields, ourErrors) }),
    };
  };
  return withFields({});
}
