import { type Queryable, rows } from '@rekey/db';
import { functions } from '../program-files.ts';
import { type Examined, error, type Finding, some, warning } from './finding.ts';

export interface PartRights {
  readonly functions: readonly string[];
  readonly readable: readonly string[];
}

const namesIn = (list: string): string[] => [...list.matchAll(/'(\w+)'/g)].map(([, name = '']) => name);

/** What each part is given, by the two files that say it: another list of it would be a different one some day. */
export async function rightsOfParts(): Promise<ReadonlyMap<string, PartRights>> {
  const files = await functions();
  const listsIn = (file: string, pattern: RegExp): ReadonlyMap<string, readonly string[]> => {
    const { sql = '' } = files.find(({ name }) => name === file) ?? {};
    const found = new Map(
      [...sql.matchAll(pattern)].map(([, part = '', list = '']) => [part, namesIn(list)]),
    );
    if (found.size !== 4) throw new Error(`${file} is not of the form that is read here`);
    return found;
  };
  const executable = listsIn('functions_of.sql', /when '(\w+)' then array\[([^\]]*)\]/g);
  const readable = listsIn('give_rights.sql', /when '(\w+)' then\s+readable := array\[([^\]]*)\];/g);
  return new Map(
    [...readable].map(([part, names]) => [part, { functions: executable.get(part) ?? [], readable: names }]),
  );
}

/** A process has a budget of so many connections at least. */
const connectionsMin = 3;

interface RoleRow {
  readonly name: string;
  readonly parts: string[];
  readonly there: boolean;
  readonly super: boolean;
  readonly owner: boolean;
  /** What keeps it from getting in at all, in words. */
  readonly shutOut: string[];
}

/** What the roles that were granted a part may do, held against what that part takes. */
export async function examineRights(on: Queryable): Promise<Examined> {
  const parts = await rightsOfParts();
  const granted = await rows<RoleRow>(
    on,
    `select g.role_name as name, array_agg(g.part order by g.part) as parts, bool_and(r.oid is not null) as there,
       coalesce(bool_or(r.rolsuper), false) as super,
       coalesce(bool_or(pg_has_role(r.oid, n.nspowner, 'member')), false) as owner,
       array_remove(array[
         case when bool_or(not r.rolcanlogin and not exists (select from pg_catalog.pg_auth_members m where m.roleid = r.oid))
           then 'it may not log in, nor has it members' end,
         case when bool_or(r.rolvaliduntil < clock_timestamp()) then 'its password is no longer valid' end,
         case when bool_or(r.rolconnlimit between 0 and $1 - 1) then 'it may have fewer connections than a process takes' end,
         case when bool_or(not has_database_privilege(r.oid, current_database(), 'connect'))
           then 'it may not connect to this database' end], null) as "shutOut"
     from rekey.granted_roles g left join pg_catalog.pg_roles r on r.rolname = g.role_name,
       pg_catalog.pg_namespace n where n.nspname = 'rekey' group by g.role_name order by g.role_name`,
    [connectionsMin],
  );
  const findings: Finding[] = [...(await ofThePublic(on))];
  for (const role of granted) findings.push(...(await ofRole(on, role, parts)));
  return {
    facts: { roles: granted.map(({ name, parts: of }) => `${name} (${of.join(', ')})`).join(', ') || 'none' },
    findings,
  };
}

async function ofThePublic(on: Queryable): Promise<Finding[]> {
  const found = await rows<{ name: string }>(
    on,
    `select distinct p.proname || '()' as name from pg_catalog.pg_proc p,
       aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
     where p.pronamespace = 'rekey'::regnamespace and a.grantee = 0
     union select c.relname from pg_catalog.pg_class c, aclexplode(c.relacl) a
     where c.relnamespace = 'rekey'::regnamespace and a.grantee = 0 order by 1`,
  );
  if (found.length === 0) return [];
  return [
    error(
      'PUBLIC_RIGHTS',
      `Everybody may use ${some(found.map(({ name }) => `rekey.${name}`))}.`,
      'revoke all on all tables in schema rekey from public; revoke all on all functions in schema rekey from public',
    ),
  ];
}

async function ofRole(
  on: Queryable,
  { name, parts, there, super: isSuper, owner, shutOut }: RoleRow,
  all: ReadonlyMap<string, PartRights>,
): Promise<Finding[]> {
  const again = parts.map((part) => `select rekey.grant_${part}('${name}')`).join('; ');
  if (!there)
    return [
      warning(
        'ROLE_GONE',
        `The role ${name} was granted rights (${parts.join(', ')}) and is gone.`,
        `make it again, or: select rekey.revoke_rights('${name}')`,
      ),
    ];
  // It may do everything by what it is: there is nothing to compare.
  if (isSuper || owner)
    return [
      warning(
        'ROLE_TOO_POWERFUL',
        `The role ${name} (${parts.join(', ')}) is ${isSuper ? 'a superuser' : 'the owner of the schema or a member of it'}: the rights of its part hold nothing back.`,
        'give its processes a role of their own',
      ),
    ];
  const outside =
    shutOut.length === 0
      ? []
      : [
          error(
            'ROLE_SHUT_OUT',
            `The role ${name} (${parts.join(', ')}) does not get in: ${shutOut.join('; ')}.`,
            `see alter role ${name}, and grant connect on database`,
          ),
        ];
  const mine = parts.flatMap((part) => all.get(part) ?? []);
  const { missing, extra } = await compare(on, name, {
    isWorker: parts.includes('worker'),
    functions: mine.flatMap((rights) => rights.functions),
    readable: mine.flatMap((rights) => rights.readable),
  });
  return [
    ...outside,
    ...(missing.length === 0
      ? []
      : [error('RIGHTS_MISSING', `The role ${name} (${parts.join(', ')}) lacks ${some(missing)}.`, again)]),
    ...(extra.length === 0
      ? []
      : [
          warning(
            'RIGHTS_EXCESS',
            `The role ${name} (${parts.join(', ')}) may do more than its part takes: ${some(extra)}.`,
            `${again}, which takes the rest away; not while processes of an earlier version run`,
          ),
        ]),
  ];
}

interface Expected extends PartRights {
  readonly isWorker: boolean;
}

async function compare(
  on: Queryable,
  role: string,
  { functions: called, readable, isWorker }: Expected,
): Promise<{ missing: string[]; extra: string[] }> {
  const found = await rows<{ name: string; has: boolean; wanted: boolean }>(
    on,
    `select 'execute on rekey.' || p.proname || '()' as name, has_function_privilege($1::name, p.oid, 'execute') as has,
       p.proname = any ($2) or ($4 and p.proname in (select 'prove_' || t.name from rekey.targets t where t.retired_at is null))
         as wanted
     from pg_catalog.pg_proc p where p.pronamespace = 'rekey'::regnamespace
       and p.proname not in (select 'prove_' || t.name from rekey.targets t where t.retired_at is not null)
     union all select 'select on rekey.' || c.relname, has_table_privilege($1::name, c.oid, 'select'), c.relname = any ($3)
     from pg_catalog.pg_class c where c.relnamespace = 'rekey'::regnamespace and c.relkind in ('r', 'v')
     union all select 'usage on schema rekey', has_schema_privilege($1::name, 'rekey', 'usage'), true
     union all select 'changes to rekey.' || c.relname,
       has_table_privilege($1::name, c.oid, 'insert, update, delete, truncate'), false
     from pg_catalog.pg_class c where c.relnamespace = 'rekey'::regnamespace and c.relkind in ('r', 'v')
     union all select format('select (%I) on %s', x.col, t.table_name), has_column_privilege($1::name, t.table_oid, x.col, 'select'), true
     from rekey.targets t, unnest(array[t.id_column, t.tenant_column, t.key_column, t.ciphertext_column]) x(col)
     where $4 and t.retired_at is null and exists (select from pg_catalog.pg_attribute a where a.attrelid = t.table_oid and a.attname = x.col)
     union all select format('update (%I) on %s', x.col, t.table_name), has_column_privilege($1::name, t.table_oid, x.col, 'update'), true
     from rekey.targets t, unnest(array[t.key_column, t.ciphertext_column]) x(col)
     where $4 and t.retired_at is null and exists (select from pg_catalog.pg_attribute a where a.attrelid = t.table_oid and a.attname = x.col)
     union all select format('bypassrls, where row level security may hide rows of %s', t.table_name),
       not c.relrowsecurity or r.rolbypassrls, true
     from rekey.targets t join pg_catalog.pg_class c on c.oid = t.table_oid, pg_catalog.pg_roles r
     where $4 and t.retired_at is null and r.rolname = $1`,
    [role, called, readable, isWorker],
  );
  return {
    missing: found.filter(({ has, wanted }) => wanted && !has).map(({ name }) => name),
    extra: found.filter(({ has, wanted }) => has && !wanted).map(({ name }) => name),
  };
}
