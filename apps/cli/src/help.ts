import { type Command, optionsOf, usageOf } from './command.ts';
import { wrapped } from './text-width.ts';

/** A terminal narrower than that has the second column under the first. */
const narrow = 60;
const indent = '  ';

/** Two columns, the second one broken between words where a terminal is narrower. */
function twoColumns(rows: ReadonlyArray<readonly [string, string]>, room: number | null): string[] {
  const width = Math.max(0, ...rows.map(([first]) => first.length));
  const before = `${indent}${' '.repeat(width)}  `;
  if (room === null) return rows.map(([first, second]) => `${indent}${first.padEnd(width)}  ${second}`);
  if (room < narrow || room - before.length < 20)
    return rows.flatMap(([first, second]) => [
      `${indent}${first}`,
      ...wrapped(second, room - 6).map((line) => `      ${line}`),
    ]);
  return rows.flatMap(([first, second]) =>
    wrapped(second, room - before.length).map((line, at) =>
      at === 0 ? `${indent}${first.padEnd(width)}  ${line}` : `${before}${line}`,
    ),
  );
}

const text = (said: string, room: number | null): string[] => (room === null ? [said] : wrapped(said, room));

/** What `rekey help` prints. */
export function overview(commands: readonly Command[], room: number | null): string[] {
  const rows = commands.map(
    ({ name, operands = [], about }) =>
      [[name, ...operands.map((one) => one.toUpperCase())].join(' '), about] as const,
  );
  return [
    'usage: rekey COMMAND [OPTIONS]',
    '',
    ...twoColumns(rows, room),
    '',
    ...text(
      'rekey COMMAND --help says more. REKEY_URL says where the API is, REKEY_TOKEN_FILE or REKEY_TOKEN as whom.',
      room,
    ),
    ...text('Of the database, DATABASE_URL says where it is and as whom.', room),
  ];
}

export function commandHelp(command: Command, room: number | null): string[] {
  const options = Object.entries(optionsOf(command)).map(
    ([name, { value, about, oneOf }]) =>
      [
        `--${name}${value === undefined ? '' : ` ${value}`}`,
        oneOf === undefined ? about : `${about}: ${oneOf.join(', ')}`,
      ] as const,
  );
  return [
    ...usageLines(command, room),
    '',
    ...text(`  ${command.about}`, room),
    '',
    ...twoColumns(options, room),
  ];
}

/** An option and its value stay together. */
function usageLines(command: Command, room: number | null): string[] {
  const usage = usageOf(command);
  if (room === null) return [`usage: ${usage}`];
  const whole = usage.replaceAll(/\[[^\]]+\]/g, (option) => option.replaceAll(' ', '\u00a0'));
  return wrapped(whole, room - 9).map(
    (line, at) => `${at === 0 ? 'usage: ' : '         '}${line.replaceAll('\u00a0', ' ')}`,
  );
}
