import { type Command, optionsOf } from './command.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** For `source <(rekey completion bash)`, and the like of other shells. */
export function completionScript(shell: Shell, commands: readonly Command[]): string {
  return { bash, zsh, fish }[shell](commands);
}

const firstWords = (commands: readonly Command[]): string[] => [
  ...new Set(commands.map(({ name }) => name.split(' ')[0] ?? '')),
];

const secondWords = (commands: readonly Command[], first: string): string[] =>
  commands.flatMap(({ name }) => (name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : []));

const flags = (command: Command): string =>
  Object.keys(optionsOf(command))
    .map((name) => `--${name}`)
    .join(' ');

/** Options with a closed list of values, and those. */
const valued = (commands: readonly Command[]): ReadonlyArray<readonly [key: string, values: string]> => [
  ...new Map(
    commands.flatMap((command) =>
      Object.entries(optionsOf(command)).flatMap(([name, { oneOf }]) =>
        oneOf === undefined ? [] : [[`${command.name} --${name}`, oneOf.join(' ')] as const],
      ),
    ),
  ),
];

/** What may come next, as the arms of a `case` over the words so far. */
function arms(commands: readonly Command[]): string {
  const twoWords = firstWords(commands).filter((first) => secondWords(commands, first).length > 0);
  return [
    // Behind such an option its values, before all that begins alike.
    ...valued(commands).map(([key, values]) => {
      const at = key.lastIndexOf(' --');
      return `    '${key.slice(0, at)}'*' ${key.slice(at + 1)}') next='${values}' ;;`;
    }),
    `    '') next='${firstWords(commands).join(' ')} help' ;;`,
    ...twoWords.map((first) => `    '${first}') next='${secondWords(commands, first).join(' ')}' ;;`),
    ...commands.map((command) => `    '${command.name}'*) next='${flags(command)}' ;;`),
  ].join('\n');
}

function bash(commands: readonly Command[]): string {
  return `_rekey() {
  local next= word=\${COMP_WORDS[COMP_CWORD]} before="\${COMP_WORDS[*]:1:COMP_CWORD-1}"
  case "$before" in
${arms(commands)}
  esac
  COMPREPLY=($(compgen -W "$next" -- "$word"))
}
complete -o default -F _rekey rekey
`;
}

function zsh(commands: readonly Command[]): string {
  return `#compdef rekey
_rekey() {
  local next= before="\${(j: :)words[2,CURRENT-1]}"
  case "$before" in
${arms(commands)}
  esac
  compadd -- \${=next}
  _files
}
compdef _rekey rekey
`;
}

function fish(commands: readonly Command[]): string {
  const quoted = (text: string): string => `'${text.replaceAll(/['\\\\]/g, '\\\\$&')}'`;
  const lines = ['complete -c rekey -n __fish_use_subcommand -f -a help'];
  for (const first of firstWords(commands)) {
    const about =
      commands.find(({ name }) => name === first)?.about ?? secondWords(commands, first).join(', ');
    lines.push(`complete -c rekey -n __fish_use_subcommand -f -a ${first} -d ${quoted(about)}`);
  }
  for (const command of commands) {
    const [first = '', second] = command.name.split(' ');
    const seen = `__fish_seen_subcommand_from ${first}`;
    const here = second === undefined ? seen : `${seen}; and __fish_seen_subcommand_from ${second}`;
    if (second !== undefined)
      lines.push(`complete -c rekey -n ${quoted(seen)} -f -a ${second} -d ${quoted(command.about)}`);
    for (const [name, { value, about, oneOf }] of Object.entries(optionsOf(command)))
      lines.push(
        `complete -c rekey -n ${quoted(here)} -l ${name}${value === undefined ? '' : oneOf === undefined ? ' -r' : ` -x -a ${quoted(oneOf.join(' '))}`} -d ${quoted(about)}`,
      );
  }
  return `${lines.join('\n')}\n`;
}
