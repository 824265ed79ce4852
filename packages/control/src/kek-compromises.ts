import { type Queryable, row, rows } from '@rekey/db';
import type { Initiator } from './initiator.ts';

/** A KEK that was declared compromised, and what became of all that is or was under it. */
export interface KekCompromiseView {
  readonly id: string;
  readonly kekName: string;
  readonly kekId: string;
  readonly targetName: string;
  readonly targetKekId: string;
  readonly status: 'in_progress' | 'completed' | 'completed_with_failures';
  readonly forced: boolean;
  readonly reason: string;
  readonly initiatedBy: Initiator;
  readonly startedAt: Date;
  readonly completedAt: Date | null;
  /** The latest of its rewraps, and how that stands. */
  readonly rewrapId: string | null;
  readonly rewrapping: boolean;
  readonly keys: number;
  readonly keysUnder: number;
  readonly keysInUse: number;
  readonly keysCompromised: number;
  readonly keysDestroyed: number;
  readonly keysFailed: number;
  readonly rotationsUnderWay: number;
}

type Counts = Pick<
  KekCompromiseView,
  | 'keys'
  | 'keysUnder'
  | 'keysInUse'
  | 'keysCompromised'
  | 'keysDestroyed'
  | 'keysFailed'
  | 'rotationsUnderWay'
>;

/** The latest operation on the KEK of that name, or the one of that id; null: there never was one. */
export async function findKekCompromise(
  on: Queryable,
  kekName: string,
  id: string | null = null,
): Promise<KekCompromiseView | null> {
  const [found] = await rows<Omit<KekCompromiseView, keyof Counts> & { readonly counts: Counts }>(
    on,
    `select c.id, c.kek_name as "kekName", c.kek_id as "kekId", c.target_name as "targetName",
       c.target_kek_id as "targetKekId", c.status, c.forced, c.reason, c.initiated_by as "initiatedBy",
       c.started_at as "startedAt", c.completed_at as "completedAt", c.rewrap_id as "rewrapId",
       coalesce(w.status in ('in_progress', 'paused'), false) as rewrapping, rekey.kek_compromise_state(c.id) as counts
     from rekey.kek_compromises c left join rekey.rewraps w on w.id = c.rewrap_id
     where c.kek_name = $1 and c.id = coalesce($2::uuid, c.id) order by c.started_at desc, c.id desc limit 1`,
    [kekName, id],
  );
  if (found === undefined) return null;
  const { counts, ...view } = found;
  return { ...view, ...counts };
}

/** Whether it was ever declared compromised. */
export async function isCompromisedKek(on: Queryable, kekId: string): Promise<boolean> {
  const { is } = await row<{ is: boolean }>(
    on,
    'select exists (select from rekey.kek_compromises c where c.kek_id = $1) as is',
    [kekId],
  );
  return is;
}

export interface StartKekCompromise {
  readonly compromiseId: string;
  readonly kekName: string;
  /** The KEK that takes its place. */
  readonly targetName: string;
  readonly callsPerSecondMax: number;
  /** Whatever processes have not proved the other KEK. */
  readonly force: boolean;
  readonly reason: string;
  readonly actor: Initiator;
  readonly idempotency: { readonly caller: string; readonly key: string; readonly bodyHash: Buffer } | null;
}

export type StartedKekCompromise =
  | { readonly kind: 'started' | 'running' | 'replayed'; readonly view: KekCompromiseView }
  | {
      readonly kind:
        | 'mismatch'
        | 'other_target'
        | 'kek_not_found'
        | 'target_not_found'
        | 'same_kek'
        | 'lacking';
    };

/** Declares a KEK compromised; workers do what follows. See `rekey.compromise_kek`. */
export async function startKekCompromise(
  on: Queryable,
  call: StartKekCompromise,
): Promise<StartedKekCompromise> {
  const { outcome, id } = await row<{ outcome: StartedKekCompromise['kind']; id: string }>(
    on,
    `select outcome, compromise_id as id from rekey.compromise_kek($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      call.compromiseId,
      call.kekName,
      call.targetName,
      call.callsPerSecondMax,
      call.force,
      call.reason,
      JSON.stringify(call.actor),
      call.idempotency?.caller ?? null,
      call.idempotency?.key ?? null,
      call.idempotency?.bodyHash ?? null,
    ],
  );
  if (outcome !== 'started' && outcome !== 'running' && outcome !== 'replayed') return { kind: outcome };
  const view = await findKekCompromise(on, call.kekName, id);
  if (view === null) throw new Error('an operation on a compromised KEK that has begun is not there');
  return { kind: outcome, view };
}

/** A tenant whose DEK has to be replaced, since it was under a KEK that is compromised. */
export interface CompromisedByKek {
  readonly compromiseId: string;
  readonly tenantId: string;
  /** Its active DEK; null: it is one that an unfinished rotation has prepared. */
  readonly dekId: string | null;
  /** The KEK that takes the place of the compromised one. */
  readonly kekName: string;
  /** Whatever processes have not proved it. */
  readonly forced: boolean;
  readonly reason: string;
  /** As it was said who acts. */
  readonly initiatedBy: Initiator & { readonly kind: 'user' };
}

/** Takes operations on compromised KEKs forward: whose DEKs are to be replaced next. See `rekey.lead_kek_compromises`. */
export function leadKekCompromises(on: Queryable, atOnce: number): Promise<CompromisedByKek[]> {
  return rows<CompromisedByKek>(
    on,
    `select l.compromise_id as "compromiseId", l.tenant_id as "tenantId", l.dek_id as "dekId", l.kek_name as "kekName",
       l.reason, l.initiated_by as "initiatedBy", c.forced
     from rekey.lead_kek_compromises($1) l join rekey.kek_compromises c on c.id = l.compromise_id`,
    [atOnce],
  );
}
