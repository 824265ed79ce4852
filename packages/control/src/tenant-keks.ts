import { type Queryable, row, rows } from '@rekey/db';
import type { Steering } from './initiator.ts';

/** Makes a template known by its name and its free words; what is in the way are other words, or a KEK of that name. */
export async function registerKekTemplate(
  on: Queryable,
  name: string,
  parts: readonly string[],
): Promise<'registered' | 'known' | 'other_parts' | 'other_kek'> {
  const { outcome } = await row<{ outcome: 'registered' | 'known' | 'other_parts' | 'other_kek' }>(
    on,
    'select rekey.register_kek_template($1, $2) as outcome',
    [name, parts],
  );
  return outcome;
}

/** By what the register of processes knows who has a template. */
export function templateId(name: string): string {
  return `template:${name}`;
}

export interface TenantKek {
  readonly tenantId: string;
  readonly name: string;
  readonly parts: Readonly<Record<string, string>>;
}

/** Whose a KEK is that was made from a template; null: nobody's. */
export async function findTenantKek(on: Queryable, kekId: string): Promise<TenantKek | null> {
  const [found] = await rows<{ tenant_id: string; template: string; parts: Record<string, string> }>(
    on,
    'select tenant_id, template, parts from rekey.find_tenant_kek($1)',
    [kekId],
  );
  return found === undefined ? null : { tenantId: found.tenant_id, name: found.template, parts: found.parts };
}

export interface ChooseKek extends Steering {
  readonly tenantId: string;
  readonly choiceId: string;
  /** A registered KEK or a template; null: that of the installation. */
  readonly kek: string | null;
  readonly parts: Readonly<Record<string, string>>;
  /** Whether one may be chosen that is not the tenant's alone. */
  readonly mayShare: boolean;
}

export type ChosenKekOutcome =
  | 'chosen'
  | 'unchanged'
  | 'tenant_not_found'
  | 'kek_not_found'
  | 'parts'
  | 'lacking';

/** Chooses the KEK of a tenant's next DEK; it is used once a worker has wrapped and unwrapped with it. */
export async function chooseKek(on: Queryable, call: ChooseKek): Promise<ChosenKekOutcome> {
  const { tenantId, choiceId, kek, parts, mayShare, reason, actor } = call;
  const { outcome } = await row<{ outcome: ChosenKekOutcome }>(
    on,
    'select rekey.choose_kek($1, $2, $3, $4, $5, $6, $7) as outcome',
    [tenantId, choiceId, kek, JSON.stringify(parts), mayShare, reason, JSON.stringify(actor)],
  );
  return outcome;
}

export interface KekChoice {
  readonly status: 'pending' | 'active' | 'refused';
  readonly kek: string | null;
  readonly parts: Readonly<Record<string, string>>;
  /** What the last attempt met. */
  readonly trouble: string | null;
  readonly requestedAt: Date;
  readonly triedAt: Date | null;
  /** What the next DEK is wrapped under; null: the KEK of the installation. */
  readonly inUse: { readonly kek: string; readonly kekId: string; readonly since: Date } | null;
}

export async function tenantExists(on: Queryable, tenantId: string): Promise<boolean> {
  const { exists } = await row<{ exists: boolean }>(on, 'select rekey.tenant_exists($1) as exists', [
    tenantId,
  ]);
  return exists;
}

/** Null: the tenant has never chosen. */
export async function findKekChoice(on: Queryable, tenantId: string): Promise<KekChoice | null> {
  const [found] = await rows<{
    state: KekChoice['status'];
    kek_name: string | null;
    parts: Record<string, string>;
    trouble: string | null;
    requested_at: Date;
    tried_at: Date | null;
    active_name: string | null;
    active_kek_id: string | null;
    activated_at: Date | null;
  }>(
    on,
    `select state, kek_name, parts, trouble, requested_at, tried_at, active_name, active_kek_id, activated_at
     from rekey.kek_choices where tenant_id = $1`,
    [tenantId],
  );
  if (found === undefined) return null;
  const { active_name: kek, active_kek_id: kekId, activated_at: since } = found;
  return {
    status: found.state,
    kek: found.kek_name,
    parts: found.parts,
    trouble: found.trouble,
    requestedAt: found.requested_at,
    triedAt: found.tried_at,
    inUse: kek === null || kekId === null || since === null ? null : { kek, kekId, since },
  };
}

/** A chosen KEK that is to be tried. */
export interface ClaimedChoice extends TenantKek {
  readonly id: string;
  /** It is this registered KEK, and made from no template. */
  readonly sharedKekId: string | null;
}

export async function claimKekChoices(on: Queryable, max: number): Promise<ClaimedChoice[]> {
  const found = await rows<{
    tenant_id: string;
    id: string;
    kek_name: string;
    parts: Record<string, string>;
    shared_kek: string | null;
  }>(on, 'select tenant_id, id, kek_name, parts, shared_kek from rekey.claim_kek_choices($1)', [max]);
  return found.map(({ tenant_id: tenantId, id, kek_name: name, parts, shared_kek: sharedKekId }) => ({
    tenantId,
    id,
    name,
    parts,
    sharedKekId,
  }));
}

/** What came of the attempt; the state that the choice is in then, null where there is another one by now. */
export async function settleKekChoice(
  on: Queryable,
  choiceId: string,
  found: { readonly kekId: string } | { readonly trouble: string; readonly forGood: boolean },
): Promise<KekChoice['status'] | null> {
  const [kekId, trouble, forGood] =
    'kekId' in found ? [found.kekId, null, false] : [null, found.trouble, found.forGood];
  const { state } = await row<{ state: KekChoice['status'] | null }>(
    on,
    'select rekey.settle_kek_choice($1, $2, $3, $4) as state',
    [choiceId, kekId, trouble, forGood],
  );
  return state;
}
