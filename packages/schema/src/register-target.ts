import { type Queryable, row, rows } from '@rekey/db';

/** A table that is to be registered; columns that are not given have the names that they have by default. */
export interface TargetRequest {
  readonly name: string;
  readonly itemType: string;
  /** As it is written in SQL: `public.tokens`. */
  readonly table: string;
  readonly id?: string | undefined;
  readonly tenant?: string | undefined;
  readonly key?: string | undefined;
  readonly ciphertext?: string | undefined;
}

export interface TargetProblem {
  readonly code: string;
  /** `error`: it cannot be registered. */
  readonly severity: 'error' | 'warning';
  readonly problem: string;
}

export interface RegisteredTarget {
  readonly name: string;
  readonly itemType: string;
  readonly table: string;
  readonly columns: {
    readonly id: string;
    readonly tenant: string;
    readonly key: string;
    readonly ciphertext: string;
  };
  /** Not yet, while a large table has not been looked through. */
  readonly finished: boolean;
}

const columns = ['id_column', 'tenant_column', 'key_column', 'ciphertext_column'] as const;

function argumentsOf(target: TargetRequest): { sql: string; values: string[] } {
  const given = [target.id, target.tenant, target.key, target.ciphertext];
  const values = [target.name, target.itemType, target.table];
  const named = columns.flatMap((column, at) => {
    const value = given[at];
    return value === undefined ? [] : [`${column} => $${values.push(value)}::name`];
  });
  return { sql: ['$1', '$2', '$3::text::regclass', ...named].join(', '), values };
}

/** All that stands in the way of registering it, and what is to be known about it; nothing is changed. */
export async function checkTarget(on: Queryable, target: TargetRequest): Promise<TargetProblem[]> {
  const { sql, values } = argumentsOf(target);
  return rows<TargetProblem & Record<string, unknown>>(
    on,
    `select code, severity, problem from rekey.check_target(${sql})`,
    values,
  );
}

/**
 * Registers it; of a large table the first half, see {@link finishRegistration}. Throws `REFUSED` for what
 * {@link checkTarget} tells in full.
 */
export async function registerTarget(on: Queryable, target: TargetRequest): Promise<void> {
  const { sql, values } = argumentsOf(target);
  await rows(on, `select rekey.register_target(${sql})`, values);
}

/** Looks through what stood in a large table before. Nothing, where that is not left to do. */
export async function finishRegistration(on: Queryable, name: string): Promise<boolean> {
  const { left } = await row<{ left: boolean }>(
    on,
    `select exists (select from rekey.targets where name = $1 and retired_at = 'infinity') as left`,
    [name],
  );
  if (left) await rows(on, 'select rekey.finish_registration($1)', [name]);
  return left;
}

export async function listTargets(on: Queryable): Promise<RegisteredTarget[]> {
  const found = await rows<{
    name: string;
    item_type: string;
    table_name: string;
    id_column: string;
    tenant_column: string;
    key_column: string;
    ciphertext_column: string;
    finished: boolean;
  }>(
    on,
    `select name, item_type, table_name, ${columns.join(', ')}, retired_at is null as finished
     from rekey.targets where coalesce(retired_at, 'infinity') = 'infinity' order by name`,
  );
  return found.map((target) => ({
    name: target.name,
    itemType: target.item_type,
    table: target.table_name,
    columns: {
      id: target.id_column,
      tenant: target.tenant_column,
      key: target.key_column,
      ciphertext: target.ciphertext_column,
    },
    finished: target.finished,
  }));
}
