/** The environment does not hold what the process needs. Each problem is one line and names no value that could be secret. */
export class ConfigError extends Error {
  readonly code = 'CONFIG';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** Ends the process at once with status 1, one line per problem on stderr. */
export function refuseToStart(error: ConfigError): never {
  process.stderr.write(error.problems.map((problem) => `config: ${problem}\n`).join(''));
  process.exit(1);
}
