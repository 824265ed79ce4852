import { type Command, optionsOf, usageOf } from './command.ts';

/** What `rekey help` prints. */
export function overview(commands: readonly Command[]): string[] {
  const calls = commands.map(({ name, operands = [] }) =>
    [name, ...operands.map((one) => one.toUpperCase())].join(' '),
  );
  const width = Math.max(...calls.map(({ length }) => length));
  return [
    'usage: rekey COMMAND [OPTIONS]',
    '',
    ...commands.map(({ about }, at) => `  ${(calls[at] ?? '').padEnd(width)}  ${about}`),
    '',
    'rekey COMMAND --help says more. REKEY_URL says where the API is, REKEY_TOKEN_FILE or REKEY_TOKEN as whom.',
    'Of the database, DATABASE_URL says where it is and as whom.',
  ];
}

export function commandHelp(command: Command): string[] {
  const options = Object.entries(optionsOf(command)).map(
    ([name, { value, about, oneOf }]) =>
      [
        `--${name}${value === undefined ? '' : ` ${value}`}`,
        oneOf === undefined ? about : `${about}: ${oneOf.join(', ')}`,
      ] as const,
  );
  const width = Math.max(...options.map(([option]) => option.length));
  return [
    `usage: ${usageOf(command)}`,
    '',
    `  ${command.about}`,
    '',
    ...options.map(([option, about]) => `  ${option.padEnd(width)}  ${about}`),
  ];
}
