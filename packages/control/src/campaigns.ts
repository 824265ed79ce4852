import { type Queryable, row, rows } from '@rekey/db';
import type { Initiator } from './initiator.ts';

export const campaignOrders = ['smallest_first', 'largest_first', 'oldest_key_first', 'as_given'] as const;
export type CampaignOrder = (typeof campaignOrders)[number];
export type CampaignAction = 'rotate' | 'rewrap';
export type CampaignStatus = 'in_progress' | 'paused' | 'completed' | 'completed_with_failures' | 'cancelled';

export const memberStates = [
  'waiting',
  'running',
  'completed',
  'completed_with_failures',
  'failed',
  'cancelled',
  'skipped',
] as const;
/** How a tenant stands in a campaign. */
export type MemberState = (typeof memberStates)[number];

/** Whom a campaign is for, as it was asked; of a list of ids how many. */
export type CampaignSelector =
  | { readonly all: true }
  | { readonly onKek: string }
  | { readonly olderThanDays: number }
  | { readonly tenants: number };

/** How a campaign goes about it. */
export interface CampaignBounds {
  readonly order: CampaignOrder;
  /** So many are started first, and have to end well before any other. */
  readonly canaries: number;
  readonly atOnceMax: number;
  readonly perHourMax: number | null;
  /** After so many that ended otherwise than well it stops. */
  readonly failuresMax: number;
}

export interface CampaignView extends CampaignBounds {
  readonly id: string;
  readonly action: CampaignAction;
  readonly selector: CampaignSelector;
  readonly kekName: string | null;
  readonly callsPerSecondMax: number | null;
  readonly status: CampaignStatus;
  readonly stoppedFor: 'failures' | 'canary' | null;
  readonly waitingFor: 'canaries' | 'per_hour' | 'compromise' | null;
  readonly tenants: number;
  readonly byState: Readonly<Record<MemberState, number>>;
  readonly initiatedBy: Initiator;
  readonly startedAt: Date;
  readonly completedAt: Date | null;
}

interface CampaignRow {
  readonly id: string;
  readonly action: CampaignAction;
  readonly selector: CampaignSelector;
  readonly kek_name: string | null;
  readonly ordering: CampaignOrder;
  readonly canaries: number;
  readonly at_once_max: number;
  readonly per_hour_max: number | null;
  readonly failures_max: number;
  readonly calls_per_second_max: number | null;
  readonly status: CampaignStatus;
  readonly stopped_for: CampaignView['stoppedFor'];
  readonly room: string | null;
  readonly tenants: string;
  readonly by_state: Partial<Record<MemberState, number>> | null;
  readonly initiated_by: Initiator;
  readonly started_at: Date;
  readonly completed_at: Date | null;
}

const waits = ['canaries', 'per_hour', 'compromise'] as const;

const columns = `c.id, c.action, c.selector, c.kek_name, c.ordering, c.canaries, c.at_once_max, c.per_hour_max, c.failures_max,
  c.calls_per_second_max, c.status, c.stopped_for, c.tenants, c.initiated_by, c.started_at, c.completed_at,
  case when c.status = 'in_progress' and exists (
    select from rekey.campaign_members w where w.campaign_id = c.id and w.state = 'waiting') then rekey.campaign_room(c) end as room,
  (select jsonb_object_agg(n.state, n.members) from (
    select m.state, count(*) as members from rekey.campaign_members m where m.campaign_id = c.id group by 1) n) as by_state`;

function toView(found: CampaignRow): CampaignView {
  return {
    id: found.id,
    action: found.action,
    selector: found.selector,
    kekName: found.kek_name,
    order: found.ordering,
    canaries: found.canaries,
    atOnceMax: found.at_once_max,
    perHourMax: found.per_hour_max,
    failuresMax: found.failures_max,
    callsPerSecondMax: found.calls_per_second_max,
    status: found.status,
    stoppedFor: found.stopped_for,
    waitingFor: waits.find((one) => one === found.room) ?? null,
    tenants: Number(found.tenants),
    byState: { ...noMembers(), ...found.by_state },
    initiatedBy: found.initiated_by,
    startedAt: found.started_at,
    completedAt: found.completed_at,
  };
}

function noMembers(): Record<MemberState, number> {
  return {
    waiting: 0,
    running: 0,
    completed: 0,
    completed_with_failures: 0,
    failed: 0,
    cancelled: 0,
    skipped: 0,
  };
}

export async function findCampaign(on: Queryable, campaignId: string): Promise<CampaignView | null> {
  const [found] = await rows<CampaignRow>(on, `select ${columns} from rekey.campaigns c where c.id = $1`, [
    campaignId,
  ]);
  return found === undefined ? null : toView(found);
}

export interface CampaignPage {
  readonly campaigns: CampaignView[];
  readonly next: string | null;
}

/** The latest first, behind the one that `after` names. */
export async function listCampaigns(
  on: Queryable,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<CampaignPage> {
  const found = await rows<CampaignRow>(
    on,
    `select ${columns} from rekey.campaigns c
     where $1::uuid is null or (c.started_at, c.id) < (select b.started_at, b.id from rekey.campaigns b where b.id = $1)
     order by c.started_at desc, c.id desc limit $2`,
    [after, limit + 1],
  );
  const page = found.slice(0, limit).map(toView);
  return { campaigns: page, next: found.length > limit ? (page.at(-1)?.id ?? null) : null };
}

export interface CampaignMember {
  readonly position: number;
  readonly tenantId: string;
  readonly items: number;
  readonly state: MemberState;
  readonly canary: boolean;
  /** The rotation or rewrap that was started for it, or was in the way. */
  readonly workId: string | null;
  readonly reason: string | null;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
}

/** In the order in which they are started, behind a position. */
export async function listCampaignMembers(
  on: Queryable,
  campaignId: string,
  state: MemberState | null,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<{ readonly members: CampaignMember[]; readonly next: number | null }> {
  const found = await rows<Omit<CampaignMember, 'items'> & { readonly items: string }>(
    on,
    `select m.position, m.tenant_id as "tenantId", m.items, m.state, m.canary, m.work_id as "workId", m.reason,
       m.started_at as "startedAt", m.ended_at as "endedAt"
     from rekey.campaign_members m
     where m.campaign_id = $1 and m.position > $2 and ($3::text is null or m.state = $3)
     order by m.position limit $4`,
    [campaignId, after, state, limit + 1],
  );
  const members = found.slice(0, limit).map((one) => ({ ...one, items: Number(one.items) }));
  return { members, next: found.length > limit ? (members.at(-1)?.position ?? null) : null };
}

export type SteeredCampaign =
  | { readonly kind: 'changed' | 'unchanged'; readonly view: CampaignView }
  | { readonly kind: 'finished' }
  | { readonly kind: 'not_found' };

/** Pauses, resumes or cancels it. What it has started goes on. */
export async function steerCampaign(
  on: Queryable,
  campaignId: string,
  wanted: 'paused' | 'in_progress' | 'cancelled',
  { actor, reason }: { readonly actor: Initiator; readonly reason: string | null },
): Promise<SteeredCampaign> {
  const { changed } = await row<{ changed: boolean }>(
    on,
    'select rekey.steer_campaign($1, $2, $3, $4) as changed',
    [campaignId, wanted, reason, JSON.stringify(actor)],
  );
  const view = await findCampaign(on, campaignId);
  if (view === null) return { kind: 'not_found' };
  if (changed) return { kind: 'changed', view };
  return view.status === wanted ? { kind: 'unchanged', view } : { kind: 'finished' };
}
