import { parseArgs } from 'node:util';
import manifest from '../package.json' with { type: 'json' };
import { clean, cleanJson } from './clean.ts';
import { type Call, type Command, optionsOf, UsageError, type World } from './command.ts';
import { commands } from './commands/index.ts';
import { connect } from './connect.ts';
import { explainError } from './error-text.ts';
import { exitCodes } from './exit-codes.ts';
import { commandHelp, overview } from './help.ts';
import { nearest } from './nearest.ts';

const { version } = manifest;

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
  const [first, ...others] = args;
  const asked = first === 'help' || first === '--help' || first === '-h';
  if (first === '--version' || first === 'version') {
    out.line(`rekey ${version}`);
    return exitCodes.completed;
  }
  // `rekey help rotate`, and what is meant by `rekey campaign --help`.
  const topic = asked ? others : others.some((word) => word === '--help' || word === '-h') ? args : [];
  const words = topic.filter((word) => !word.startsWith('-'));
  const command = commandIn(words);
  if (command !== undefined) {
    for (const line of commandHelp(command, out.width)) out.line(line);
    return exitCodes.completed;
  }
  const unknown = asked ? words : args;
  const group = groupOf(unknown[0]);
  if (group.length > 0 && (words.length > 0 || unknown.length === 1)) {
    for (const line of overview(group, out.width)) out.line(line);
    return words.length > 0 ? exitCodes.completed : exitCodes.usage;
  }
  if (unknown.length > 0) throw new UsageError(noSuchCommand(unknown));
  for (const line of overview(commands, out.width)) out.line(line);
  return asked ? exitCodes.completed : exitCodes.usage;
}

/** The commands that begin with it, as `campaign start`; none if it is no such word. */
const groupOf = (word = ''): Command[] => commands.filter(({ name }) => name.startsWith(`${word} `));

function noSuchCommand([first = '', second = '']: readonly string[]): string {
  const names = commands.map(({ name }) => name);
  const group = groupOf(first).map(({ name }) => name);
  const two = second.startsWith('-') || second === '' ? first : `${first} ${second}`;
  const meant =
    group.length > 0
      ? nearest(
          second,
          group.map((name) => name.slice(first.length + 1)),
        )
      : (nearest(two, names) ?? nearest(first, [...new Set(names.map((name) => name.split(' ')[0] ?? ''))]));
  const suggestion =
    meant === undefined ? '' : ` Did you mean rekey ${group.length > 0 ? `${first} ${meant}` : meant}?`;
  return `There is no command ${clean(two)}.${suggestion}`;
}

async function perform(command: Command, args: readonly string[], world: World): Promise<number> {
  const known = optionsOf(command);
  const { values, positionals } = parse(known, args);
  if (values.help === true) {
    for (const line of commandHelp(command, world.out.width)) world.out.line(line);
    return exitCodes.completed;
  }
  const { operands = [] } = command;
  if (positionals.length !== operands.length) {
    const wanted =
      operands.length === 0 ? 'nothing but options' : operands.map((name) => name.toUpperCase()).join(' ');
    const missing = operands[positionals.length];
    const extra = positionals[operands.length] ?? '';
    throw new UsageError(
      missing === undefined
        ? `rekey ${command.name} takes ${wanted}, and not ${clean(extra)} as well.`
        : `rekey ${command.name} takes ${wanted}: the ${missing} is missing.`,
    );
  }
  const option = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  // What a shell makes of a variable that is not set.
  const empty = operands.find((_, at) => positionals[at]?.trim() === '');
  if (empty !== undefined) throw new UsageError(`The ${empty} is empty: is a variable not set?`);
  for (const [name, { oneOf }] of Object.entries(known)) {
    const value = option(name);
    if (value?.trim() === '') throw new UsageError(`--${name} is empty: is a variable not set?`);
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
    throw new UsageError(parseProblem(error, known));
  }
}

/** What `parseArgs` throws, in fewer words and with what was probably meant. */
function parseProblem(error: unknown, known: ReturnType<typeof optionsOf>): string {
  const { message = String(error), code } = error as { message?: string; code?: string };
  const [, option = ''] = /'(--?[^\s'=<,]+)/.exec(message) ?? [];
  const name = option.replace(/^-+/, '');
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const meant = nearest(name, Object.keys(known));
    return `There is no option ${clean(option)}.${meant === undefined ? '' : ` Did you mean --${meant}?`}`;
  }
  const { value } = known[name] ?? {};
  if (code !== 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE' || !(name in known)) return message;
  return value === undefined ? `--${name} takes no value.` : `--${name} takes a value: --${name} ${value}.`;
}

function notRemote(): never {
  throw new Error('This command calls no API.');
}
