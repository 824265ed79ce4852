import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import type { Random } from '../chaos/random.ts';
import {
  activeKey,
  copyIn,
  hold,
  savepoint,
  swallowed,
  type Upsert,
  upsert,
  upsertMany,
} from './statements.ts';

/** What one writer has. Nobody else writes its records, whose tenants do not change. */
export interface Writer {
  readonly session: PoolClient;
  readonly tenantId: string;
  readonly tenants: readonly string[];
  readonly random: Random;
  /** One of its twenty records, in turn. */
  nextId(): string;
  /** The key that it once looked up and still takes for the active one; forgotten after a refusal. */
  staleKey: number | undefined;
  /** Counts what it met and went on from. */
  met(what: string): void;
}

type Isolation = 'read committed' | 'repeatable read' | 'serializable';

export interface Kind {
  /** Null: it begins and ends its transactions itself, or writes without any. */
  readonly isolation: Isolation | null;
  /** The only errors that it may get. A holder in READ COMMITTED gets none. */
  readonly mayGet: readonly string[];
  work(writer: Writer): Promise<void>;
}

const never: readonly string[] = [];
const fenced = ['RK001'];
const again = ['40001'];

const upTo = ({ random }: Writer, ms: number): Promise<void> => sleep(random.next() * ms);
const put = ({ session, tenantId, nextId }: Writer, keyNumber: number, id = nextId()): Promise<void> =>
  upsert(session, { id, tenantId, keyNumber });
const held = ({ session, tenantId }: Writer): Promise<number> => hold(session, tenantId);
const seen = ({ session, tenantId }: Writer): Promise<number> => activeKey(session, tenantId);
async function stale(writer: Writer): Promise<number> {
  writer.staleKey ??= await seen(writer);
  return writer.staleKey;
}
/** Takes the snapshot of a transaction that has one for all of its statements. */
const look = ({ session }: Writer): Promise<unknown> => session.query('select count(*) from rekey.tenants');

const holder = (isolation: Isolation, work: Kind['work']): Kind => ({
  isolation,
  mayGet: isolation === 'read committed' ? never : again,
  work,
});
/** Holds what it looked up in an old snapshot, or writes under it without having held it. */
const oldSnapshot = (isolation: Isolation, key: (writer: Writer) => Promise<number>): Kind =>
  holder(isolation, async (writer) => {
    // Who looks the key up does so in the snapshot's first statement, who holds it in its last but one.
    const known = key === held ? undefined : await key(writer);
    if (known === undefined) await look(writer);
    await upTo(writer, 30);
    await put(writer, known ?? (await key(writer)));
    await upTo(writer, 5);
  });
const forgotten = (writesFirst: boolean): Kind =>
  holder('read committed', async (writer) => {
    const key = await held(writer);
    if (writesFirst) await put(writer, key);
    await sleep(1_000 + writer.random.next() * 1_500);
    await put(writer, key);
  });

/** Every way in which a session may write across a switch that we know of, well meant or not. */
export const kinds = {
  'as the vault does': holder('read committed', async (writer) => {
    const key = await held(writer);
    await upTo(writer, 4);
    await put(writer, key);
  }),
  'two puts, held anew for each': holder('read committed', async (writer) => {
    await put(writer, await held(writer));
    await upTo(writer, 15);
    await put(writer, await held(writer));
    await upTo(writer, 5);
  }),
  'held across switches': holder('read committed', async (writer) => {
    const key = await held(writer);
    await put(writer, key);
    await upTo(writer, 25);
    await put(writer, key);
  }),
  'held in a savepoint that is rolled back': holder('read committed', async (writer) => {
    let key = 0;
    await savepoint(writer.session, 'roll back', async () => {
      key = await held(writer);
    });
    await upTo(writer, 15);
    const kept = await savepoint(writer.session, 'keep', () => put(writer, key));
    writer.met(kept === undefined ? 'kept' : `refused ${kept}`);
    if (kept !== undefined) await put(writer, await held(writer));
    await upTo(writer, 5);
  }),
  'stale key': {
    isolation: null,
    mayGet: fenced,
    work: async (writer) => put(writer, await stale(writer)),
  },
  'stale key, twice in a transaction': {
    isolation: 'read committed',
    mayGet: fenced,
    async work(writer) {
      const key = await stale(writer);
      await put(writer, key);
      await upTo(writer, 10);
      await put(writer, key);
    },
  },
  'old transaction that holds nothing': {
    isolation: 'read committed',
    mayGet: fenced,
    async work(writer) {
      await writer.session.query('select pg_current_xact_id()');
      const key = await seen(writer);
      await upTo(writer, 20);
      await put(writer, key);
    },
  },
  'swallows every error': holder('read committed', async (writer) => {
    for (let write = 0; write < 2; write += 1)
      await swallowed(writer.session, {
        id: writer.nextId(),
        tenantId: writer.tenantId,
        keyNumber: await stale(writer),
      });
    if (writer.random.chance(0.2)) writer.staleKey = undefined;
    await upTo(writer, 5);
  }),
  'repeatable read, holds': oldSnapshot('repeatable read', held),
  'repeatable read, looks the key up': oldSnapshot('repeatable read', seen),
  'serializable, holds': oldSnapshot('serializable', held),
  'serializable, looks the key up': oldSnapshot('serializable', seen),
  'prepared transaction': {
    isolation: null,
    mayGet: never,
    async work(writer) {
      const gid = `adversary-${randomUUID()}`;
      await writer.session.query('begin');
      await put(writer, await held(writer));
      await writer.session.query(`prepare transaction '${gid}'`);
      await upTo(writer, 60);
      await writer.session.query(`${writer.random.chance(0.8) ? 'commit' : 'rollback'} prepared '${gid}'`);
    },
  },
  'forgotten transaction': forgotten(true),
  'forgotten before its first write': forgotten(false),
  'COPY under a held key': holder('read committed', async (writer) => {
    const keyNumber = await held(writer);
    const ids = Array.from({ length: 5 }, () => writer.nextId());
    await writer.session.query('delete from secrets where id = any ($1)', [ids]);
    await upTo(writer, 4);
    await copyIn(
      writer.session,
      ids.map((id) => ({ id, tenantId: writer.tenantId, keyNumber })),
    );
  }),
  'COPY under a stale key': {
    isolation: null,
    mayGet: fenced,
    async work(writer) {
      const keyNumber = await stale(writer);
      await copyIn(writer.session, [{ id: randomUUID(), tenantId: writer.tenantId, keyNumber }]);
    },
  },
  'several tenants in any order': holder('read committed', async (writer) => {
    const { session, random } = writer;
    const ids = writer.tenants.map(() => writer.nextId());
    const together = random.chance(0.5);
    const rows: Upsert[] = [];
    for (const nth of random.shuffled(writer.tenants.map((_tenant, i) => i))) {
      const tenantId = writer.tenants[nth] ?? '';
      // Each of its records belongs to the tenant of its place.
      const row = {
        id: `${ids[nth]?.slice(0, -1)}${nth}`,
        tenantId,
        keyNumber: await hold(session, tenantId),
      };
      if (together) rows.push(row);
      else await upsert(session, row);
    }
    if (together) await upsertMany(session, rows);
    await upTo(writer, 3);
  }),
  'renames only': holder('read committed', async (writer) => {
    const id = writer.nextId();
    const { rowCount } = await writer.session.query('update secrets set name = $2 where id = $1', [
      id,
      `n ${writer.random.next()}`,
    ]);
    if (rowCount === 0) await put(writer, await held(writer), id);
    await upTo(writer, 5);
  }),
} as const satisfies Record<string, Kind>;
