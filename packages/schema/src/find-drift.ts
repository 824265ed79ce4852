import { readFile } from 'node:fs/promises';
import { type Queryable, rows } from '@rekey/db';
import { describeObjects } from './describe-schema.ts';
import { functions, migrations } from './program-files.ts';
import { isOfThisVersion } from './what-ran.ts';

/**
 * What in the schema `rekey` is not as this version's migrations and functions leave it, a line each; none: all is. Of
 * registered tables only what the guarantee rests on is looked at, since they are the application's to change; settings are
 * the operator's. For an operator who asks with the owner's rights, right after a migration of this same version: another
 * version's schema differs by design.
 */
export async function findDrift(on: Queryable): Promise<string[]> {
  const { missing, extra } = await findDifferences(on);
  const problems = await rows<{ target: string | null; code: string; problem: string }>(
    on,
    'select target, code, problem from rekey.integrity_problems()',
  );
  return [
    ...missing.map((line) => `missing or changed: ${line}`),
    ...extra.map((line) => `not of this version: ${line}`),
    ...problems.map(({ target, code, problem }) => `${target ?? 'rekey'}: ${code}: ${problem}`),
  ];
}

/** The lines of `schema.txt` that are not there, and those that are there beyond them. */
export async function findDifferences(on: Queryable): Promise<{ missing: string[]; extra: string[] }> {
  const targets = await rows<{ name: string }>(on, 'select name from rekey.targets');
  const made = new Set(
    targets.flatMap(({ name }) => ['fence_', 'count_', 'prove_'].map((kind) => `${kind}${name}`)),
  );
  const expected = linesOf(await readFile(new URL('../schema.txt', import.meta.url), 'utf8'), made);
  const found = linesOf(await describeObjects(on), made);
  return {
    missing: [...expected].filter((line) => !found.has(line)),
    extra: [...found].filter((line) => !expected.has(line)),
  };
}

/**
 * The same for a process that starts, whatever it starts on: nothing where the schema is another version's, or is in the
 * midst of an upgrade. It changes nothing and locks nothing that anybody waits for.
 */
export async function findDriftOfThisVersion(on: Queryable): Promise<string[]> {
  return (await isOfThisVersion(on, await migrations(), await functions())) ? findDrift(on) : [];
}

/** Each with its table before it. Those made for a registered table, whichever there are, are left out. */
function linesOf(described: string, made: ReadonlySet<string>): Set<string> {
  const lines = new Set<string>();
  let table = '';
  for (const line of described.split('\n')) {
    const [, schema, name = ''] = /^(?:table|view|function) (\w+)\.(\w+)/.exec(line) ?? [];
    if (schema !== undefined) table = schema === 'rekey' && !isMade(name, made) ? `rekey.${name}` : '';
    else if (!line.startsWith('  ')) table = '';
    if (table !== '') lines.add(line.startsWith('  ') ? `${table}: ${line.trim()}` : line);
  }
  return lines;
}

/** The file names those of the tables that ship, which an installation may lack. */
function isMade(name: string, made: ReadonlySet<string>): boolean {
  return made.has(name) || /^(fence|count|prove)_(secrets|credentials|api_keys)$/.test(name);
}
