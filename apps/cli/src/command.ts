import type { Client } from '@rekey/client';
import type { ExitCode } from './exit-codes.ts';
import type { Output } from './output.ts';

export interface Option {
  /** What stands for its value in the usage; absent: it is a switch. */
  readonly value?: string;
  readonly about: string;
  /** The only values it takes. */
  readonly oneOf?: readonly string[];
}

/** The surroundings of a call; tests bring their own. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: Output;
  readonly err: Output;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Null where there is nobody to ask. */
  readonly ask: ((question: string) => Promise<string>) | null;
}

export interface Call extends World {
  /** As many as the command has names for. */
  readonly operands: readonly string[];
  option(name: string): string | undefined;
  on(name: string): boolean;
  /** `patient`: goes on through minutes without an answer, for what watches. */
  client(patient?: boolean): Client;
  /** With `--json` the value, else the lines. */
  tell(value: unknown, lines: () => void): void;
}

export interface Command {
  /** One word or two: `status`, `certificate get`. */
  readonly name: string;
  readonly operands?: readonly string[];
  readonly about: string;
  /** Whether it calls the API, and takes the options that say where and as whom. */
  readonly remote: boolean;
  readonly options?: Readonly<Record<string, Option>>;
  /** The exit code. */
  run(call: Call): Promise<number>;
}

/** What went wrong where no API was asked: the code is for scripts. */
export class CommandError extends Error {
  readonly code: string;
  readonly exitCode: ExitCode;

  constructor(code: string, message: string, exitCode: ExitCode) {
    super(message);
    this.code = code;
    this.exitCode = exitCode;
  }
}

/** Not called as it should be; the exit code is 2 unless it says another. */
export class UsageError extends Error {}

const remoteOptions: Readonly<Record<string, Option>> = {
  url: { value: 'URL', about: 'where the API is; else REKEY_URL' },
  'token-file': { value: 'FILE', about: 'holds the token; else REKEY_TOKEN_FILE or REKEY_TOKEN' },
  realm: { value: 'NAME', about: 'the realm that issued the token; else REKEY_REALM' },
};
const commonOptions: Readonly<Record<string, Option>> = {
  json: { about: 'answer in JSON' },
  help: { about: 'say how it is called' },
};

/** All that a command takes. */
export function optionsOf({ remote, options = {} }: Command): Readonly<Record<string, Option>> {
  return { ...options, ...(remote ? remoteOptions : {}), ...commonOptions };
}

export function usageOf({ name, operands = [], options = {} }: Command): string {
  const switches = Object.entries(options).map(([option, { value }]) =>
    value === undefined ? `[--${option}]` : `[--${option} ${value}]`,
  );
  return ['rekey', name, ...operands.map((operand) => operand.toUpperCase()), ...switches].join(' ');
}
