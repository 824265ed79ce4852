import { type Queryable, rows } from '@rekey/db';

interface EventActor {
  readonly kind: string;
  readonly realm: string | null;
  readonly id: string;
  /** Of the name that stands in `rekey.actor_names`, unless it was deleted there. */
  readonly nameHash: string | null;
}

/** An event as its hash covers it, and the hash. `rekey.event_hash` says how one follows from the other. */
export interface RecordedEvent {
  readonly event: {
    readonly actor: EventActor;
    /** With microseconds, which a `Date` has not. */
    readonly at: string;
    readonly chain: string;
    readonly databaseRole: string;
    readonly kind: string;
    readonly payload: Readonly<Record<string, unknown>>;
    readonly previous: string;
    readonly rotationId: string | null;
    readonly sequence: number;
    readonly version: number;
  };
  readonly hash: string;
}

/** Which events; what is absent does not count. */
export interface AuditFilter {
  /** A tenant's chain, or by its id the installation's. */
  readonly chain?: string;
  readonly kind?: string;
  /** The actor's id. */
  readonly actor?: string;
  readonly rotationId?: string;
  /** At that moment or later. */
  readonly from?: Date;
  /** Before it. */
  readonly before?: Date;
}

/** One with its place in the log. */
export interface LoggedEvent extends RecordedEvent {
  /** Null: it is not in the log yet. */
  readonly index: number | null;
}

export interface AuditPage {
  readonly events: RecordedEvent[];
  /** Give it back as `after` for the page behind this one; null on the last. */
  readonly next: string | null;
}

interface EventRow {
  readonly chain: string;
  readonly sequence: string;
  readonly version: number;
  readonly kind: string;
  readonly at: string;
  readonly actor: EventActor;
  readonly database_role: string;
  readonly rotation_id: string | null;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly previous: string;
  readonly hash: string;
}

const eventColumns = `e.chain, e.sequence, e.version, e.kind,
  to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at, e.actor, e.database_role, e.rotation_id,
  e.payload, encode(e.previous, 'hex') as previous, encode(e.hash, 'hex') as hash`;

/** Whether `next` of a page may have been that. */
export function isAuditCursor(text: string): boolean {
  return parseCursor(text) !== null;
}

/**
 * Events, the latest first: of one chain by their sequence, of all by their times. A page goes on behind the last one's place,
 * so that what is recorded meanwhile moves nothing.
 */
export async function listEvents(
  on: Queryable,
  filter: AuditFilter,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<AuditPage> {
  const values: unknown[] = [];
  const conditions = conditionsOf(filter, values);
  const [at, chain, sequence] = (after === null ? null : parseCursor(after)) ?? [null];
  if (at !== null)
    conditions.push(
      filter.chain === undefined
        ? `(e.at, e.chain, e.sequence) < (${use(values, at)}::timestamptz, ${use(values, chain)}::uuid, ${use(values, sequence)}::bigint)`
        : `e.sequence < ${use(values, sequence)}::bigint`,
    );
  const found = await rows<EventRow>(
    on,
    `select ${eventColumns} from rekey.events e where ${conditions.join(' and ') || 'true'}
     order by ${filter.chain === undefined ? 'e.at desc, e.chain desc,' : ''} e.sequence desc limit ${use(values, limit + 1)}`,
    values,
  );
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    events: page.map(toRecorded),
    next:
      found.length > limit && last !== undefined
        ? Buffer.from(JSON.stringify([last.at, last.chain, last.sequence])).toString('base64url')
        : null,
  };
}

/** So many are looked at by one statement, whether they are wanted or not: none of them takes long. */
const lookedAt = 1_000;

/**
 * Events in the order of their chains, page by page, each read when the one before has been used up. What is recorded
 * meanwhile may come too: behind what was there of its chain.
 */
export async function* readEvents(on: Queryable, filter: AuditFilter): AsyncGenerator<LoggedEvent[]> {
  let place: readonly [chain: string, sequence: string] | null = null;
  for (;;) {
    const values: unknown[] = [];
    const { chain, rotationId, ...others } = filter;
    // Those that an index leads to; the others are asked of what it leads to.
    const leading = conditionsOf(
      { ...(chain === undefined ? {} : { chain }), ...(rotationId === undefined ? {} : { rotationId }) },
      values,
    );
    const wanted = conditionsOf(others, values).join(' and ') || 'true';
    if (place !== null)
      leading.push(
        `(e.chain, e.sequence) > (${use(values, place[0])}::uuid, ${use(values, place[1])}::bigint)`,
      );
    const found: (EventRow & { wanted: boolean; index: string | null })[] = await rows(
      on,
      `select ${eventColumns}, ${wanted} as wanted, l.index
       from rekey.events e left join rekey.log_leaves l on (l.chain, l.sequence) = (e.chain, e.sequence)
       where ${leading.join(' and ') || 'true'}
       order by e.chain, e.sequence limit ${use(values, lookedAt)}`,
      values,
    );
    const page = found
      .filter((row) => row.wanted)
      .map((row) => ({ ...toRecorded(row), index: row.index === null ? null : Number(row.index) }));
    if (page.length > 0) yield page;
    const last = found.at(-1);
    if (last === undefined || found.length < lookedAt) return;
    place = [last.chain, last.sequence];
  }
}

function conditionsOf({ chain, kind, actor, rotationId, from, before }: AuditFilter, values: unknown[]) {
  return [
    chain === undefined ? null : `e.chain = ${use(values, chain)}::uuid`,
    kind === undefined ? null : `e.kind = ${use(values, kind)}`,
    actor === undefined ? null : `e.actor ->> 'id' = ${use(values, actor)}`,
    rotationId === undefined ? null : `e.rotation_id = ${use(values, rotationId)}::uuid`,
    from === undefined ? null : `e.at >= ${use(values, from)}::timestamptz`,
    before === undefined ? null : `e.at < ${use(values, before)}::timestamptz`,
  ].filter((condition) => condition !== null);
}

/** The place of one more value in a statement. */
function use(values: unknown[], value: unknown): string {
  return `$${values.push(value)}`;
}

function toRecorded(row: EventRow): RecordedEvent {
  const { actor, at, chain, database_role, kind, payload, previous, rotation_id, sequence, version } = row;
  return {
    event: {
      actor,
      at,
      chain,
      databaseRole: database_role,
      kind,
      payload,
      previous,
      rotationId: rotation_id,
      sequence: Number(sequence),
      version,
    },
    hash: row.hash,
  };
}

function parseCursor(text: string): [at: string, chain: string, sequence: string] | null {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (!Array.isArray(parsed) || parsed.length !== 3) return null;
    const isOurs = cursorForms.every((form, n) => typeof parsed[n] === 'string' && form.test(parsed[n]));
    const [at, chain, sequence] = parsed as [string, string, string]; // just looked at
    return isOurs && !Number.isNaN(Date.parse(at)) ? [at, chain, sequence] : null;
  } catch {
    return null;
  }
}

const cursorForms = [
  /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$/,
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  /^[0-9]{1,18}$/,
];
