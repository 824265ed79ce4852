import type { Static, TObject, TSchema } from 'typebox';
import { Check } from 'typebox/value';
import { ConfigError } from './config-error.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A rule that joins several variables. It is asked only when each of them, by itself, is well. */
export interface EnvRule<Config> {
  readonly over: ReadonlyArray<keyof Config & string>;
  /** What is wrong, a line each. */
  readonly problems: (config: Config) => readonly string[];
}

/**
 * Reads the variables that `schema` names, each by its own schema, then by the rules that join them. An empty
 * variable counts as missing. Throws {@link ConfigError} with every problem at once; no problem holds a value,
 * since the malformed variable may be the secret one.
 */
export function readEnv<Schema extends TObject>(
  schema: Schema,
  env: Environment,
  rules: readonly EnvRule<Static<Schema>>[] = [],
): Static<Schema> {
  const problems: string[] = [];
  const config: Record<string, unknown> = {};
  const required = new Set<string>(schema.required);
  const broken = new Set<string>();
  const complain = (name: string, what: string, property: TSchema): void => {
    broken.add(name);
    problems.push(`${name} is ${what}: it must be ${expectationOf(property)}`);
  };

  for (const [name, property] of Object.entries<TSchema>(schema.properties)) {
    const raw = env[name];
    const value = raw === undefined || raw === '' ? defaultOf(property) : convert(property, raw);
    if (value === undefined) {
      if (required.has(name)) complain(name, 'missing', property);
    } else if (Check(property, value)) {
      config[name] = value;
    } else {
      complain(name, 'malformed', property);
    }
  }

  // Every property was checked against its own schema above: this is the edge where the type begins.
  const parsed = config as Static<Schema>;
  for (const rule of rules) {
    if (!rule.over.some((name) => broken.has(name))) problems.push(...rule.problems(parsed));
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return parsed;
}

function convert(schema: TSchema, raw: string): unknown {
  const type = 'type' in schema ? schema.type : undefined;
  if (type === 'integer') return /^[0-9]{1,15}$/.test(raw) ? Number(raw) : raw;
  if (type === 'number') return /^[0-9]{1,9}(\.[0-9]{1,6})?$/.test(raw) ? Number(raw) : raw;
  if (type === 'boolean')
    return raw === 'true' || raw === '1' ? true : raw === 'false' || raw === '0' ? false : raw;
  return raw;
}

function defaultOf(schema: TSchema): unknown {
  return 'default' in schema ? schema.default : undefined;
}

function expectationOf(schema: TSchema): string {
  return 'description' in schema && typeof schema.description === 'string' ? schema.description : 'valid';
}
