import { type Queryable, row, rows, StoreError } from '@rekey/db';
import { checkSchema } from '../check-schema.ts';
import { findDifferences } from '../find-drift.ts';
import { functions, functionsRevision, migrations } from '../program-files.ts';
import { isOfThisVersion } from '../what-ran.ts';
import { type Examined, error, type Finding, some, warning } from './finding.ts';

/** Whether this version's schema is there: without it nothing else of it can be asked. */
export async function examineVersion(on: Queryable): Promise<Examined> {
  try {
    await checkSchema(on);
  } catch (trouble) {
    if (!(trouble instanceof StoreError) || !trouble.code.startsWith('SCHEMA_')) throw trouble;
    const todo =
      trouble.code === 'SCHEMA_MISSING'
        ? 'rekey init'
        : 'rekey migrate, with the newest version of this program';
    return { findings: [error(trouble.code, `${trouble.message}.`, todo)] };
  }
  const known = await migrations();
  const { revision } = await row<{ revision: number }>(
    on,
    'select coalesce(max(revision), 0)::int as revision from rekey.functions',
  );
  const newer = revision > functionsRevision ? ` (of this program: ${functionsRevision})` : '';
  return {
    facts: {
      schema: known.at(-1)?.name.replace('.sql', '') ?? '',
      functions: `revision ${revision}${newer}`,
    },
    findings: [],
  };
}

/** Which one it is: what its keys in Redis are named by. */
export async function examineInstallation(on: Queryable): Promise<Examined> {
  const { id } = await row<{ id: string }>(on, 'select rekey.installation_id() as id');
  return { facts: { installation: id }, findings: [] };
}

/** What in the schema is not as this version installs it; a version in the midst of an upgrade differs by design. */
export async function examineDrift(on: Queryable): Promise<Examined> {
  if (!(await isOfThisVersion(on, await migrations(), await functions())))
    return { findings: [], unseen: ['drift: the schema is of another version than this program'] };
  const { missing, extra } = await findDifferences(on);
  const findings: Finding[] = [];
  if (missing.length > 0)
    findings.push(
      error(
        'SCHEMA_CHANGED',
        `The schema rekey lacks, or has changed: ${some(missing)}.`,
        'rekey migrate --check names all of it; put it back (rekey migrate mends functions)',
      ),
    );
  if (extra.length > 0)
    findings.push(
      warning(
        'SCHEMA_EXTRA',
        `The schema rekey has what this version does not install: ${some(extra)}.`,
        'nothing, if it is yours and meant',
      ),
    );
  return { findings };
}

/** What the guarantee rests on, as every rotation asks it before its switch: fence, counts, guards, indexes, rows hidden. */
export async function examineIntegrity(on: Queryable): Promise<Examined> {
  const problems = await rows<{ target: string | null; code: string; problem: string; todo: string }>(
    on,
    'select target, code, problem, todo from rekey.integrity_problems()',
  );
  return { findings: problems.map(({ code, problem, todo }) => error(code, problem, todo)) };
}

export async function examineTargets(on: Queryable): Promise<Examined> {
  const targets = await rows<{ name: string; table_name: string; finished: boolean }>(
    on,
    `select name, table_name, retired_at is null as finished from rekey.targets
     where coalesce(retired_at, 'infinity') = 'infinity' order by name`,
  );
  const unfinished = targets.filter(({ finished }) => !finished);
  return {
    facts: { targets: targets.map(({ name }) => name).join(', ') || 'none' },
    findings: [
      ...(targets.length === 0
        ? [
            warning(
              'NO_TARGET',
              'No table is registered: rotations re-encrypt nothing.',
              'rekey target register NAME --type TYPE --table TABLE',
            ),
          ]
        : []),
      ...unfinished.map(({ name, table_name: table }) =>
        warning(
          'REGISTRATION_UNFINISHED',
          `The registration of ${table} as ${name} has begun and is not finished: rotations pass it over.`,
          `select rekey.finish_registration('${name}')`,
        ),
      ),
    ],
  };
}
