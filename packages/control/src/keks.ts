import { type Queryable, row, rows } from '@rekey/db';
import type { DekState } from './deks.ts';
import { templateId } from './tenant-keks.ts';

/** Makes a KEK known by its name; what is in the way is another KEK of that name, or another name of that KEK. */
export async function registerKek(
  on: Queryable,
  name: string,
  kekId: string,
): Promise<'registered' | 'known' | 'other_kek' | 'other_name'> {
  const { outcome } = await row<{ outcome: 'registered' | 'known' | 'other_kek' | 'other_name' }>(
    on,
    'select rekey.register_kek($1, $2) as outcome',
    [name, kekId],
  );
  return outcome;
}

/** A live process that wraps and unwraps with a KEK. */
export interface KekHolder {
  readonly processId: string;
  readonly kind: 'worker' | 'vault';
  readonly host: string;
  readonly provedAt: Date;
}

export interface KekView {
  /** Null: DEKs are under it, or a process has it, and no configuration names it. */
  readonly name: string | null;
  readonly kekId: string;
  readonly registeredAt: Date | null;
  readonly deks: Readonly<Record<DekState, number>>;
  readonly holders: readonly KekHolder[];
}

interface Counted {
  readonly kek_id: string;
  readonly state: DekState;
  readonly deks: string;
}

const none = { pre_active: 0, active: 0, deactivated: 0, compromised: 0 } as const;

/** DEKs by KEK and state; of one tenant, or with null of all. */
export async function kekCensus(
  on: Queryable,
  tenantId: string | null,
): Promise<{ readonly kekId: string; readonly deks: Readonly<Record<DekState, number>> }[]> {
  const found = await rows<Counted>(on, 'select kek_id, state, deks from rekey.kek_census($1)', [tenantId]);
  const byKek = new Map<string, Record<DekState, number>>();
  for (const { kek_id: kekId, state, deks } of found)
    byKek.set(kekId, { ...(byKek.get(kekId) ?? none), [state]: Number(deks) });
  return [...byKek].map(([kekId, deks]) => ({ kekId, deks }));
}

/** Those that have a name, that DEKs are under, or that a live process has proved; by their names. */
export async function listKeks(on: Queryable, tenantId: string | null): Promise<KekView[]> {
  const named = await rows<{ name: string; kek_id: string; registered_at: Date }>(
    on,
    'select name, kek_id, registered_at from rekey.keks order by name',
  );
  const holders = await rows<{
    kek_id: string;
    process_id: string;
    kind: 'worker' | 'vault';
    host: string;
    proved_at: Date;
  }>(on, 'select kek_id, process_id, kind, host, proved_at from rekey.kek_holders()');
  const census = new Map((await kekCensus(on, tenantId)).map(({ kekId, deks }) => [kekId, deks]));
  const names = new Map(named.map((one) => [one.kek_id, one]));
  // A KEK without a name of which a tenant has nothing is another's.
  const unnamed = [...census.keys(), ...(tenantId === null ? holders.map(({ kek_id }) => kek_id) : [])];
  const kekIds = new Set([...names.keys(), ...unnamed.sort()]);
  // Who has a template is told in the same way, and is no KEK.
  return [...kekIds]
    .filter((kekId) => !kekId.startsWith(templateId('')))
    .map((kekId) => ({
      name: names.get(kekId)?.name ?? null,
      kekId,
      registeredAt: names.get(kekId)?.registered_at ?? null,
      deks: census.get(kekId) ?? none,
      holders: holders
        .filter(({ kek_id }) => kek_id === kekId)
        .map(({ process_id: processId, kind, host, proved_at: provedAt }) => ({
          processId,
          kind,
          host,
          provedAt,
        })),
    }));
}

/** The KEK of a name; null: no configuration names one so. */
export async function findKekId(on: Queryable, name: string): Promise<string | null> {
  const [found] = await rows<{ kek_id: string }>(on, 'select kek_id from rekey.keks where name = $1', [name]);
  return found?.kek_id ?? null;
}

export interface LackingProcess {
  readonly processId: string;
  readonly kind: 'worker' | 'vault';
  readonly host: string;
  readonly databaseRole: string;
}

/** The live processes that have not proved a KEK. */
export async function findLacking(on: Queryable, kekId: string): Promise<LackingProcess[]> {
  const found = await rows<{
    process_id: string;
    kind: 'worker' | 'vault';
    host: string;
    database_role: string;
  }>(on, 'select process_id, kind, host, database_role from rekey.lacking_kek($1)', [kekId]);
  return found.map(({ process_id: processId, kind, host, database_role: databaseRole }) => ({
    processId,
    kind,
    host,
    databaseRole,
  }));
}

/** One fingerprint over the stored DEKs, which a rewrap leaves as it is. */
export async function keysFingerprint(on: Queryable, tenantId: string | null): Promise<string> {
  const { print } = await row<{ print: string }>(on, 'select rekey.keys_fingerprint($1) as print', [
    tenantId,
  ]);
  return print;
}
