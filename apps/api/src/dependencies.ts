import type { Commands } from '@rekey/commands';
import type {
  AuditFilter,
  AuditPage,
  CampaignMember,
  CampaignPage,
  CampaignView,
  CertifiedWork,
  ConsoleSession,
  CutLeaf,
  DestructionView,
  FailurePage,
  FollowedRotation,
  FoundCampaignFacts,
  findCampaignFacts,
  KekChoice,
  KekCompromiseView,
  KekView,
  KeptCertificate,
  KeptCheckpoint,
  KeyFilter,
  KeyPage,
  KeyProcess,
  KeyRecords,
  KeyView,
  LackingProcess,
  LoggedEvent,
  MarkedSnapshot,
  MemberState,
  PlanView,
  PolicyView,
  ProcessFilter,
  ProcessPage,
  RangeCell,
  RewrapView,
  RotationFilter,
  RotationPage,
  RotationView,
  Sample,
  SigningKey,
  Snapshot,
  Summary,
  TenantFilter,
  TenantPage,
  Timeline,
} from '@rekey/control';
import type { ChainCut, HeadProof, InstallationProof } from '@rekey/evidence';
import type { RedisTrouble } from '@rekey/jobs';
import type { Logger } from '@rekey/runtime';
import type { Accesses } from './accesses.ts';
import type { Status } from './status.ts';

/** The truth about rotations, as it is read. Everything here throws a `StoreError` while Postgres is away. */
export interface Rotations {
  find(rotationId: string): Promise<Snapshot | null>;
  /** Those of them that there are, each with the mark of its row, by one statement. */
  findAll(rotationIds: readonly string[]): Promise<MarkedSnapshot[]>;
  /** The marks alone: another one, or none, and the rotation is not as it was found. */
  marks(rotationIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
  list(filter: RotationFilter, page: { after: string | null; limit: number }): Promise<RotationPage>;
  failures(rotationId: string, page: { after: string | null; limit: number }): Promise<FailurePage>;
  timeline(rotationId: string): Promise<Timeline>;
  ranges(rotationId: string, cells: number): Promise<RangeCell[]>;
  samples(rotationId: string): Promise<Sample[]>;
  /** Of a tenant, or with null of all. */
  summarize(tenantId: string | null): Promise<Summary>;
  /** How it stands, and the event from which on its events are still to be told; null when there is none. */
  beginToFollow(
    rotationId: string,
    lastSeen: number | null,
  ): Promise<{ readonly view: RotationView; readonly after: number } | null>;
  /** How all of these stand, and what is to be told of each, by one statement. */
  readFollowed(
    followed: ReadonlyArray<Pick<FollowedRotation, 'rotationId' | 'after'>>,
    eventsMax: number,
  ): Promise<FollowedRotation[]>;
  plan(planId: string): Promise<PlanView | null>;
  /** The one that a rotation was started with. */
  planOf(rotationId: string): Promise<PlanView | null>;
  certificate(rotationId: string): Promise<KeptCertificate | null>;
  signingKeys(): Promise<SigningKey[]>;
  /** Throws when the schema is not this program's. */
  checkSchema(): Promise<void>;
  /** Throws when what a rotate call writes could not be written. */
  checkWork(): Promise<void>;
}

/** Of a log as it was at the size of a checkpoint. Null where the log lacks what it should have. */
export interface Proofs {
  ofEvent(index: number): Promise<Buffer[] | null>;
  ofHead(chain: string): Promise<HeadProof | null>;
  /** Of all events alone: the other leaves of the log, from one on. */
  heads(after: number): AsyncGenerator<ReadonlyArray<{ index: number; count: number; root: Buffer }>>;
  /** Where what is left of a chain begins; null: with its first event. */
  ofCut(chain: string): Promise<ChainCut | null>;
  /** Which chain is the installation's; null: nothing was cut off, or no checkpoint shows it. */
  ofInstallation(): Promise<InstallationProof | null>;
  /** Of all events alone: those that were cut off, as the log has them. */
  cut(): AsyncGenerator<readonly CutLeaf[]>;
}

/** What was recorded, as it is read. */
export interface Audit {
  list(filter: AuditFilter, page: { after: string | null; limit: number }): Promise<AuditPage>;
  /** Page by page, each when it is asked for. */
  read(filter: AuditFilter): AsyncGenerator<LoggedEvent[]>;
  /** The latest first, of those before a size. */
  checkpoints(page: { before: number | null; limit: number }): Promise<KeptCheckpoint[]>;
  /** What proves events by a checkpoint. */
  proofs(size: number): Proofs;
}

/** Keys and the processes that hold them, as they are read. */
export interface Keys {
  list(filter: KeyFilter, page: { after: string | null; limit: number }): Promise<KeyPage>;
  find(keyId: string): Promise<KeyView | null>;
  /** Counted for this call. */
  records(tenantId: string): Promise<KeyRecords[]>;
  processesOf(keyId: string, limit: number): Promise<KeyProcess[]>;
  destruction(keyId: string): Promise<DestructionView | null>;
  certificate(work: CertifiedWork): Promise<KeptCertificate | null>;
  processes(filter: ProcessFilter, page: { after: string | null; limit: number }): Promise<ProcessPage>;
  keks(tenantId: string | null): Promise<KekView[]>;
  /** Null: no KEK has that name. */
  /** Null: it has never chosen. */
  choice(tenantId: string): Promise<KekChoice | null>;
  tenantExists(tenantId: string): Promise<boolean>;
  kekId(name: string): Promise<string | null>;
  /** DEKs under each KEK; of one tenant, or with null of all. */
  census(tenantId: string | null): Promise<Pick<KekView, 'kekId' | 'deks'>[]>;
  fingerprint(tenantId: string | null): Promise<string>;
  /** The live processes that have not proved a KEK. */
  lacking(kekId: string): Promise<LackingProcess[]>;
  /** The latest operation on the KEK of that name. */
  kekCompromise(name: string): Promise<KekCompromiseView | null>;
  rewrap(rewrapId: string): Promise<RewrapView | null>;
  rewraps(
    tenantId: string | null,
    page: { after: string | null; limit: number },
  ): Promise<{ rewraps: RewrapView[]; next: string | null }>;
}

/** What is done to keys by itself, as it is read: of a tenant (null: there is none such), or the default. */
export interface Policies {
  ofTenant(tenantId: string): Promise<PolicyView | null>;
  standard(): Promise<PolicyView>;
  /** How tenants stand by them. */
  tenants(filter: TenantFilter, page: { after: string | null; limit: number }): Promise<TenantPage>;
}

/** Campaigns over many tenants, as they are read. */
export interface Campaigns {
  find(campaignId: string): Promise<CampaignView | null>;
  list(page: { after: string | null; limit: number }): Promise<CampaignPage>;
  /** What one that began now would have before it. */
  facts(asked: Parameters<typeof findCampaignFacts>[1]): Promise<FoundCampaignFacts>;
  members(
    campaignId: string,
    state: MemberState | null,
    page: { after: number; limit: number },
  ): Promise<{ members: CampaignMember[]; next: number | null }>;
}

/** Where the console's sessions are kept, by the hash of their cookie. */
export interface SessionStore {
  /** Until when it lasts. */
  open(
    hash: Buffer,
    session: ConsoleSession & { readonly caller: { realm: string; id: string } },
  ): Promise<Date>;
  /** Null: there is none any more. `counts`: it is used, and so not idle. */
  use(hash: Buffer, counts: boolean): Promise<ConsoleSession | null>;
  end(hash: Buffer): Promise<void>;
}

/** All that the API is built from, besides its settings. */
export interface ApiDependencies {
  readonly rotations: Rotations;
  readonly audit: Audit;
  readonly keys: Keys;
  readonly policies: Policies;
  readonly campaigns: Campaigns;
  /** Told of each answer, to record who was refused and who read. */
  readonly accesses: Pick<Accesses, 'note'>;
  readonly sessions: SessionStore;
  readonly commands: Commands;
  readonly status: Status;
  /** What keeps Redis from doing its part; null: nothing. */
  readonly redis: { check(): Promise<RedisTrouble | null> };
  /** Of its connections to Postgres: how many this process may have, and has. */
  readonly connections?: () => { readonly max: number; readonly open: number };
  /** Told of each answer: whose operation it was (null: no route's), its status, and how long it took. */
  readonly onAnswer?: (operation: string | null, status: number, seconds: number) => void;
  readonly logger: Logger;
}
