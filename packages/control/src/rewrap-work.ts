import { type Queryable, row, rows } from '@rekey/db';

/** A rewrap that a worker has, for as long as it gives signs of life. */
export interface ClaimedRewrap {
  readonly id: string;
  readonly owner: string;
  readonly tenantId: string | null;
  readonly kekId: string;
  readonly callsPerSecondMax: number;
}

/** A rewrap that nobody works on, for a worker that has the KEKs which it takes; null: there is none. */
export async function claimRewrap(
  on: Queryable,
  owner: string,
  kekIds: readonly string[],
  silentMs: number,
): Promise<ClaimedRewrap | null> {
  const [found] = await rows<{
    id: string;
    tenant_id: string | null;
    kek_id: string;
    calls_per_second_max: number;
  }>(on, 'select id, tenant_id, kek_id, calls_per_second_max from rekey.claim_rewrap($1, $2, $3)', [
    owner,
    kekIds,
    silentMs,
  ]);
  if (found === undefined) return null;
  const { id, tenant_id: tenantId, kek_id: kekId, calls_per_second_max: callsPerSecondMax } = found;
  return { id, owner, tenantId, kekId, callsPerSecondMax };
}

/** A DEK that is left to a rewrap. */
export interface DekToRewrap {
  readonly id: string;
  readonly tenantId: string;
  readonly kekId: string;
  readonly kekUri: string;
  readonly wrapped: Buffer;
  /** By what its bytes are recognised; null: a version before this one stored it. */
  readonly check: Buffer | null;
}

export async function deksToRewrap(
  on: Queryable,
  rewrapId: string,
  after: string | null,
  atMost: number,
): Promise<DekToRewrap[]> {
  const found = await rows<{
    dek_id: string;
    tenant_id: string;
    kek_id: string;
    kek_uri: string;
    wrapped: Buffer;
    check_value: Buffer | null;
  }>(
    on,
    `select r.dek_id, r.tenant_id, r.kek_id, r.kek_uri, r.wrapped, d.check_value from rekey.deks_to_rewrap($1, $2, $3) r
       cross join lateral rekey.stored_deks(r.tenant_id, null, array[r.dek_id], null) d order by r.dek_id`,
    [rewrapId, after, atMost],
  );
  return found.map((dek) => ({
    id: dek.dek_id,
    tenantId: dek.tenant_id,
    kekId: dek.kek_id,
    kekUri: dek.kek_uri,
    wrapped: dek.wrapped,
    check: dek.check_value,
  }));
}

/** A DEK and its bytes under both KEKs. */
export interface RewrappedDek {
  readonly id: string;
  readonly before: Buffer;
  readonly after: Buffer;
}

/** How many now stand so; null: the rewrap is not this worker's any more. */
export async function storeRewrapped(
  on: Queryable,
  { id, owner }: ClaimedRewrap,
  {
    kekUri,
    calls,
    deks,
  }: { readonly kekUri: string; readonly calls: number; readonly deks: readonly RewrappedDek[] },
): Promise<number | null> {
  const { changed } = await row<{ changed: number | null }>(
    on,
    'select rekey.rewrap_deks($1, $2, $3, $4, $5, $6, $7) as changed',
    [
      id,
      owner,
      calls,
      kekUri,
      deks.map((dek) => dek.id),
      deks.map(({ before }) => before),
      deks.map(({ after }) => after),
    ],
  );
  return changed;
}

export interface RewrapNote {
  readonly calls: number;
  readonly waitingFor?: string;
  readonly waitingDetail?: {
    /** Since when is the database's to say. */
    readonly what: string;
    readonly todo: string;
    /** Which KEKs it may be. */
    readonly kekIds: readonly string[];
  };
  /** It gives the rewrap back. */
  readonly leaves?: boolean;
}

/** A sign of life; false: it is not this worker's any more. */
export async function noteRewrap(
  on: Queryable,
  { id, owner }: ClaimedRewrap,
  note: RewrapNote,
): Promise<boolean> {
  const { ours } = await row<{ ours: boolean }>(
    on,
    'select rekey.note_rewrap($1, $2, $3, $4, $5, $6) as ours',
    [
      id,
      owner,
      note.calls,
      note.waitingFor ?? null,
      note.waitingDetail === undefined ? null : JSON.stringify(note.waitingDetail),
      note.leaves ?? false,
    ],
  );
  return ours;
}

/** Passes over a DEK that its KEK does not unwrap, if the bytes that were tried still stand. */
export async function setDekAside(
  on: Queryable,
  { id, owner }: ClaimedRewrap,
  dek: DekToRewrap,
  reason: string,
): Promise<void> {
  await rows(on, 'select rekey.set_dek_aside($1, $2, $3, $4, $5)', [id, owner, dek.id, dek.wrapped, reason]);
}

/** Ends it if nothing is left: how many DEKs are. Null: it is not this worker's any more. */
export async function completeRewrap(on: Queryable, { id, owner }: ClaimedRewrap): Promise<number | null> {
  const { remaining } = await row<{ remaining: string | null }>(
    on,
    'select rekey.complete_rewrap($1, $2) as remaining',
    [id, owner],
  );
  return remaining === null ? null : Number(remaining);
}
