import { type Queryable, row } from '@rekey/db';

/** What `rekey.note_accesses` makes one event of. */
export interface CountedAccess {
  /** Who; null: more than one, of whom the names are not known any more. */
  readonly actor: { readonly realm: string | null; readonly id: string; readonly name: string | null } | null;
  /** Null: more than one. */
  readonly operation: string | null;
  /** The status of the answer; null: more than one. */
  readonly outcome: number | null;
  readonly count: number;
  readonly since: Date;
}

export async function noteAccesses(on: Queryable, accesses: readonly CountedAccess[]): Promise<void> {
  await row(on, 'select rekey.note_accesses($1::jsonb)', [JSON.stringify(accesses)]);
}
