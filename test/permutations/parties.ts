import { randomBytes, randomUUID } from 'node:crypto';
import { drainOlder, switchDek } from '@rekey/control';
import {
  claimRange,
  createReplacements,
  type Lease,
  proveRange,
  readWindow,
  type Target,
  type Window,
  writeBatch,
} from '@rekey/data';
import type { Store } from '@rekey/db';
import { formatOf } from '@rekey/envelope';
import type { PoolClient } from 'pg';
import { sealedLike } from '../harness/sealed.ts';

/** What the parties of a schedule share: one tenant in the midst of a rotation from key 1 to key 2. */
export interface Stage {
  readonly tenantId: string;
  readonly rotationId: string;
  readonly previousDekId: string;
  readonly newDekId: string;
  readonly target: Target;
  /** Two that are there before, under key 1, and one that is not. */
  readonly records: readonly string[];
  /** What was acknowledged last, by record. */
  readonly acknowledged: Map<string, string>;
  /** Set once a proof was acknowledged. */
  proved: boolean;
  readonly violations: string[];
  /** What a mutant makes of the statements of the sweep. */
  readonly mutation: { readonly from: RegExp; readonly to: string } | undefined;
}

/** One step of a party: a statement, or a few that are sent together. It may wait for a lock. */
export type Step = () => Promise<void>;

/** A party by its steps, in their order; each runs on a session of its own. */
export type Party = (stage: Stage, session: PoolClient, random: Random) => Step[];

export interface Random {
  integer(below: number): number;
  pick<T>(of: readonly T[]): T;
}

const isolations = ['read committed', 'read committed', 'repeatable read', 'serializable'] as const;

/** Writes as `holding` says under which key, and remembers what was acknowledged. */
function writer(
  holding: (stage: Stage, session: PoolClient) => Promise<number | undefined>,
  early: boolean,
): Party {
  return (stage, session, random) => {
    const id = random.pick(stage.records);
    let keyNumber: number | undefined;
    let failed = false;
    const written: string[] = [];
    const attempt = async (work: () => Promise<unknown>): Promise<void> => {
      if (failed) return;
      try {
        await work();
      } catch (error) {
        if (!isRefusal(error)) throw error;
        // Who holds the active key is never refused; a cache may be stale.
        if (!early && codeOf(error) === 'RK001') stage.violations.push('a holder was refused');
        failed = true;
      }
    };
    const hold = (): Promise<void> =>
      attempt(async () => {
        keyNumber = await holding(stage, session);
      });
    const write = (): Promise<void> =>
      attempt(async () => {
        if (keyNumber === undefined) throw new Error('a tenant without an active key');
        const value = randomBytes(8).toString('hex');
        await session.query(
          `insert into secrets (id, tenant_id, name, key_number, ciphertext) values ($1, $2, 'n', $3, $4)
           on conflict (id) do update set key_number = excluded.key_number, ciphertext = excluded.ciphertext`,
          [id, stage.tenantId, keyNumber, Buffer.concat([sealedLike(keyNumber, 17), Buffer.from(value)])],
        );
        written.push(value);
      });
    const begin = async (): Promise<void> => {
      await session.query(`begin isolation level ${random.pick(isolations)}`);
      // Some transactions have a number, or a snapshot, long before they write; a serializable one may be refused as it reads.
      if (random.integer(2) === 0)
        await attempt(() => session.query('select pg_current_xact_id(), (select count(*) from secrets)'));
    };
    const commit = async (): Promise<void> => {
      if (failed) return void (await session.query('rollback'));
      const provedBefore = stage.proved;
      await attempt(async () => {
        const { command } = await session.query('commit');
        if (command !== 'COMMIT') throw Object.assign(new Error('rolled back'), { code: '25P02' });
        const last = written.at(-1);
        if (last !== undefined) stage.acknowledged.set(id, last);
        if (provedBefore && keyNumber === 1)
          stage.violations.push('a write under the older key after its proof');
      });
    };
    // A vault holds within its transaction; a cache is older than the transaction.
    return early ? [hold, begin, write, commit] : [begin, hold, write, write, commit];
  };
}

const active = async ({ tenantId }: Stage, session: PoolClient): Promise<number | undefined> =>
  (
    await session.query(`select key_number from rekey.deks where tenant_id = $1 and state = 'active'`, [
      tenantId,
    ])
  ).rows[0]?.key_number;

const held = async ({ tenantId }: Stage, session: PoolClient): Promise<number | undefined> =>
  (await session.query('select key_number from rekey.hold_dek($1)', [tenantId])).rows[0]?.key_number;

/** Its statements run on the session; what takes a connection gets it. */
function storeOn({ mutation }: Stage, session: PoolClient): Store {
  const bound = (client: PoolClient, name: string | symbol): unknown => {
    const value: unknown = Reflect.get(client, name);
    if (typeof value !== 'function') return value;
    if (name !== 'query' || mutation === undefined) return value.bind(client);
    return (statement: unknown, ...rest: unknown[]) =>
      value.call(client, mutated(statement, mutation), ...rest);
  };
  const released = new Proxy(session, {
    get: (client, name) => (name === 'release' ? () => {} : bound(client, name)),
  });
  return new Proxy(session, {
    get: (client, name) => (name === 'connect' ? async () => released : bound(client, name)),
  }) as unknown as Store; // what the sweep asks of a pool: query and connect
}

/** Which mutations found a statement: one that finds none takes nothing out. */
export const mutatedBy = new Set<RegExp>();

/** The same statement with a safeguard taken out, under no name that another text has. */
function mutated(statement: unknown, { from, to }: { readonly from: RegExp; readonly to: string }): unknown {
  if (typeof statement === 'string') return statement.replace(from, to);
  if (typeof statement !== 'object' || statement === null || !('text' in statement)) return statement;
  if (typeof statement.text !== 'string' || !from.test(statement.text)) return statement;
  mutatedBy.add(from);
  const { name: _name, ...rest } = { name: '', ...statement };
  return { ...rest, text: statement.text.replace(from, to) };
}

/** The only range of the rotation, claimed by whoever comes first; null: it is another's, or there is no switch yet. */
async function claim(stage: Stage, session: PoolClient): Promise<Lease | null> {
  await session.query(
    `insert into rekey.rotation_ranges (rotation_id, target, ordinal, planned)
     select id, 'secrets', 0, 2 from rekey.rotations where id = $1 and switched_at is not null on conflict do nothing`,
    [stage.rotationId],
  );
  const range = { rotationId: stage.rotationId, target: 'secrets', ordinal: 0 };
  return claimRange(session, range, randomUUID());
}

async function prove(stage: Stage, session: PoolClient, lease: Lease | null): Promise<void> {
  if (lease === null) return;
  const proof = await proveRange(storeOn(stage, session), stage.target, lease);
  if (proof.kind === 'proved') stage.proved = true;
}

export const parties = {
  writer: writer(held, false),
  plainWriter: writer(active, true),
  switch: (stage, session) => [
    async () => {
      await switchDek(session, { ...stage }).catch((error: unknown) => {
        // It gives up after a while, on a slow machine before anybody has looked whether it waits.
        if (codeOf(error) !== 'LOCKED') throw error;
        stage.violations.push('the switch waited');
      });
    },
    async () => {
      await drainOlder(session, stage.tenantId);
    },
    async () => {
      await drainOlder(session, stage.tenantId);
    },
  ],
  sweep: (stage, session) => {
    let lease: Lease | null = null;
    let window: Window | undefined;
    return [
      async () => {
        lease = await claim(stage, session);
      },
      async () => {
        if (lease === null) return;
        const bounds = {
          tenantId: stage.tenantId,
          newKeyNumber: 2,
          after: null,
          itemsMax: 100,
          bytesMax: 1e6,
          identityBytes: formatOf(stage.target.format).identityBytes,
        };
        window = await readWindow(storeOn(stage, session), stage.target, lease, bounds);
      },
      async () => {
        if (lease === null || window === undefined || window.records.length === 0) return;
        const replacements = createReplacements(stage.target, {
          identityBytes: formatOf(stage.target.format).identityBytes,
          items: 10,
          bytes: 1_000,
        });
        for (const record of window.records) {
          // Sealed anew: another header and IV around the same value.
          replacements.add(record, (into, at) => {
            record.ciphertext.copy(into, at);
            sealedLike(2, 17).copy(into, at);
          });
        }
        const batch = { tenantId: stage.tenantId, newKeyNumber: 2, replacements, setAside: [], cursor: null };
        await writeBatch(storeOn(stage, session), stage.target, lease, batch, 'wait');
      },
      () => prove(stage, session, lease),
    ];
  },
  proof: (stage, session) => {
    let lease: Lease | null = null;
    return [
      async () => {
        lease = await claim(stage, session);
      },
      () => prove(stage, session, lease),
      () => (stage.proved ? Promise.resolve() : prove(stage, session, lease)),
    ];
  },
} satisfies Record<string, Party>;
export type PartyName = keyof typeof parties;

/** What a writer is to be told: run it again. */
function isRefusal(error: unknown): boolean {
  return /^(40001|40P01|RK001|25P02)$/.test(codeOf(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
