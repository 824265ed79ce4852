import type { PoolClient } from 'pg';

/** A digest of what stands in each table of the schema. */
export async function contentsOf(on: Pick<PoolClient, 'query'>): Promise<Record<string, string>> {
  const { rows: tables } = await on.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c
     where c.relkind = 'r' and (c.relnamespace = 'rekey'::regnamespace
       or c.oid in (select t.table_oid from rekey.targets t)) order by 1`,
  );
  const contents: Record<string, string> = {};
  for (const { name } of tables) {
    const { rows } = await on.query<{ digest: string }>(
      `select md5(coalesce(string_agg(t::text, e'\\n' order by t::text), '')) as digest from ${name} t`,
    );
    contents[name] = rows[0]?.digest ?? '';
  }
  return contents;
}
