import { type Queryable, rows } from '@rekey/db';

/** What was decided, as it stands in `rekey.events`. */
export interface UnwrittenEvent {
  readonly chain: string;
  /** In its chain, without gaps; a bigint as text. */
  readonly sequence: string;
  /** Null: it touches no tenant. */
  readonly tenantId: string | null;
  readonly kind: string;
  readonly at: Date;
  readonly actor: { readonly kind: string; readonly realm: string | null; readonly id: string };
  readonly databaseRole: string;
  readonly rotationId: string | null;
  readonly payload: Readonly<Record<string, unknown>>;
}

/**
 * Says which events were written to the log, and takes the next ones that were not: none while another reader does so. What is
 * taken is given again unless a later call says that it was written.
 */
export function nextEvents(
  on: Queryable,
  reader: string,
  written: readonly Pick<UnwrittenEvent, 'chain' | 'sequence'>[],
  atMost: number,
): Promise<UnwrittenEvent[]> {
  return rows<UnwrittenEvent>(
    on,
    `select chain, sequence, tenant_id as "tenantId", kind, at, actor, database_role as "databaseRole",
       rotation_id as "rotationId", payload
     from rekey.next_events($1, $2, $3, $4)`,
    [reader, written.map(({ chain }) => chain), written.map(({ sequence }) => sequence), atMost],
  );
}
