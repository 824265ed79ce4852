import { parseArgs } from 'node:util';
import { ClientError } from '@rekey/client';
import { clean, cleanJson } from './clean.ts';
import {
  type Call,
  type Command,
  CommandError,
  optionsOf,
  UsageError,
  usageOf,
  type World,
} from './command.ts';
import { commands } from './commands/index.ts';
import { connect } from './connect.ts';
import { type ExitCode, exitCodeOfError, exitCodes } from './exit-codes.ts';
import { commandHelp, overview } from './help.ts';

/** The exit code. */
export async function run(args: readonly string[], world: World): Promise<number> {
  const json = args.includes('--json');
  const command = commandIn(args);
  try {
    if (command === undefined) return introduce(args, world);
    const words = command.name.split(' ').length;
    return await perform(command, args.slice(words), world);
  } catch (error) {
    world.out.settle();
    if (world.signal.aborted) return exitCodes.interrupted;
    return explainError(error, { json, command, world });
  }
}

/** The command that the first words name: of two words before one of one. */
function commandIn(args: readonly string[]): Command | undefined {
  const named = (count: number): Command | undefined =>
    commands.find(({ name }) => name === args.slice(0, count).join(' '));
  return named(2) ?? named(1);
}

function introduce(args: readonly string[], { out }: World): number {
  const [first] = args;
  const asked = first === 'help' || first === '--help' || first === '-h';
  if (first !== undefined && !asked)
    throw new UsageError(`There is no command ${clean(args.slice(0, 2).join(' '))}.`);
  for (const line of overview(commands)) out.line(line);
  return asked ? exitCodes.completed : exitCodes.usage;
}

async function perform(command: Command, args: readonly string[], world: World): Promise<number> {
  const known = optionsOf(command);
  const { values, positionals } = parse(known, args);
  if (values.help === true) {
    for (const line of commandHelp(command)) world.out.line(line);
    return exitCodes.completed;
  }
  const { operands = [] } = command;
  if (positionals.length !== operands.length) {
    const wanted =
      operands.length === 0 ? 'nothing but options' : operands.map((name) => name.toUpperCase()).join(' ');
    throw new UsageError(`rekey ${command.name} takes ${wanted}.`);
  }
  const option = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  for (const [name, { oneOf }] of Object.entries(known)) {
    const value = option(name);
    if (value !== undefined && oneOf?.includes(value) === false)
      throw new UsageError(`--${name} is one of ${oneOf.join(', ')}.`);
  }
  const given = { url: option('url'), tokenFile: option('token-file'), realm: option('realm') };
  const client = command.remote ? await connect(world, given) : notRemote;
  const call: Call = {
    ...world,
    operands: positionals,
    option,
    on: (name) => values[name] === true,
    client,
    tell(value, lines) {
      if (values.json === true) world.out.raw(`${cleanJson(value)}\n`);
      else lines();
    },
  };
  return command.run(call);
}

function parse(known: ReturnType<typeof optionsOf>, args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: Object.fromEntries(
        Object.entries(known).map(([name, { value }]) => [
          name,
          { type: value === undefined ? ('boolean' as const) : ('string' as const) },
        ]),
      ),
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function notRemote(): never {
  throw new Error('This command calls no API.');
}

function meaningOf(error: unknown): { code: string; exitCode: ExitCode } {
  if (error instanceof ClientError) return { code: error.code, exitCode: exitCodeOfError(error) };
  if (error instanceof CommandError) return error;
  if (error instanceof UsageError) return { code: 'USAGE', exitCode: exitCodes.usage };
  return { code: 'UNKNOWN', exitCode: exitCodes.failed };
}

function explainError(
  error: unknown,
  { json, command, world }: { json: boolean; command: Command | undefined; world: World },
): number {
  const { err } = world;
  const message = error instanceof Error ? error.message : String(error);
  const { code, exitCode } = meaningOf(error);
  const rotationId = error instanceof ClientError ? error.rotationId : undefined;
  const requestId = error instanceof ClientError ? error.requestId : undefined;
  if (json) {
    err.raw(`${cleanJson({ error: { code, message, rotationId, requestId }, exitCode })}\n`);
    return exitCode;
  }
  err.line('rekey: ', message);
  if (code === 'ROTATION_IN_PROGRESS' && rotationId !== undefined)
    err.line(`The one that runs: ${rotationId}`);
  if (requestId !== undefined && exitCode === exitCodes.failed)
    err.line(`In the log of the API: ${requestId}`);
  if (error instanceof UsageError)
    err.line(command === undefined ? 'rekey help lists the commands.' : `usage: ${usageOf(command)}`);
  return exitCode;
}
