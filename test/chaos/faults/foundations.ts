import { setTimeout as sleep } from 'node:timers/promises';
import { pastTheTriggers } from '../../harness/damage.ts';
import type { World } from '../world/world.ts';
import { type Fault, type FaultTools, seenIf } from './fault.ts';
import { must } from './must.ts';
import { eventually } from './set-aside.ts';

/** What the guarantee rests on is taken from a registered table for a while. Texts are SQL; a name is given for what they make. */
interface Removal {
  readonly table: 'credentials' | 'api_keys' | 'secrets';
  readonly remove: (name: string) => string;
  /** Where it takes more than `rekey.repair_target`. */
  readonly putBack?: (name: string) => string;
  /** Whether a write under a retired DEK could come through meanwhile. */
  readonly unfenced?: boolean;
}

/** A statement that began before the removal was seen by all may still end a rotation, and rightly. */
const settledMs = 500;

/**
 * While it is away no rotation is switched and none is completed, whatever it has proved; those that want to be wait for
 * `integrity`. Afterwards an operator does what the status says, and all of them go on.
 */
const foundation =
  ({ table, remove, putBack = () => 'select', unfenced = false }: Removal): Fault =>
  async (tools) => {
    const { world, random, signal } = tools;
    const name = `chaos_${random.integer(1, 1_000_000)}`;
    const ms = random.integer(3_000, 6_000);
    const turnstile = unfenced ? await world.turnstile.close() : null;
    let waited = 0;
    try {
      await must(tools, remove(name));
      await sleep(settledMs);
      const before = await passed(tools);
      waited = await rotationsThatWait(world, ms, signal);
      for (const [id, { status, switched }] of await passed(tools)) {
        const was = before.get(id);
        if (switched && was?.switched !== true)
          world.history.violation('integrity', `${id} was switched with ${table} in doubt`);
        if (status.startsWith('completed') && was?.status !== status)
          world.history.violation('integrity', `${id} became ${status} with ${table} in doubt`);
      }
    } finally {
      await must(
        tools,
        `${putBack(name)}; select rekey.repair_target('${table}'); select rekey.finish_registration('${table}')`,
      );
      turnstile?.open();
    }
    return seenIf(waited > 0, `${table} for ${ms} ms, ${waited} rotations waited`);
  };

/**
 * An index lost a record, as by a bug or a bad disk, and nothing in the catalogs tells: sweep and proof, which look by it,
 * cannot see the record. Only the count that the triggers keep knows of it.
 */
const indexLosesRecord: Fault = async (tools) => {
  const { world, random, held, signal, tenants } = tools;
  const quiet = tenants.find(({ victims, records }) => victims.length > 0 && records.length === 0);
  const record = random.pick(quiet?.victims.filter(({ target }) => target === 'secrets') ?? []);
  held.add(record.tenantId);
  try {
    const lost = await eventually(tools, async () => {
      let done: true | null = null;
      await pastTheTriggers(world.pool, async (tx) => {
        await tx.query(`set local lock_timeout = '100ms'`);
        await tx.query('select from rekey.tenants where id = $1 for no key update', [record.tenantId]);
        const { rowCount } = await tx.query(
          'select from rekey.rotations where tenant_id = $1 and completed_at is null',
          [record.tenantId],
        );
        if (rowCount !== 0) return;
        const ready = `update pg_index set indisready = $1 where indexrelid = 'secrets_by_tenant'::regclass`;
        await tx.query(ready, [false]);
        await tx.query('create temp table moved on commit drop as select * from secrets where id = $1', [
          record.id,
        ]);
        await tx.query('delete from secrets where id = $1', [record.id]);
        await tx.query('insert into secrets select * from moved');
        await tx.query(ready, [true]);
        done = true;
      });
      return done;
    });
    if (lost === null) return seenIf(false, 'no moment without a rotation came');
    const before = await passed(tools);
    held.delete(record.tenantId);
    const waited = await rotationsThatWait(world, 6_000, signal);
    const { rows } = await world.pool.query<{ id: string; status: string }>(
      'select id, status from rekey.rotations where tenant_id = $1',
      [record.tenantId],
    );
    for (const { id, status } of rows)
      if (!before.has(id) && status.startsWith('completed'))
        world.history.violation('integrity', `${id} became ${status} though an index had lost a record`);
    return seenIf(waited > 0, `${waited} rotations waited`);
  } finally {
    held.delete(record.tenantId);
    // Apart: who waits for a table that is being reindexed would not let it be locked.
    await must(tools, 'reindex index secrets_by_tenant');
    await must(tools, `select rekey.repair_target('secrets'); select rekey.finish_registration('secrets')`);
  }
};

type Passed = Map<string, { readonly status: string; readonly switched: boolean }>;

async function passed(tools: FaultTools): Promise<Passed> {
  for (;;) {
    const found = await tools.world.pool
      .query<{ id: string; status: string; switched: boolean }>(
        'select id, status, switched_at is not null as switched from rekey.rotations',
      )
      .catch(() => null);
    if (found !== null) return new Map(found.rows.map((row) => [row.id, row]));
    await sleep(100);
  }
}

/** How many rotations were seen to say that they wait for `integrity` within that time. */
async function rotationsThatWait({ pool }: World, ms: number, signal: AbortSignal): Promise<number> {
  const waiting = new Set<string>();
  const until = performance.now() + ms;
  while (performance.now() < until && !signal.aborted) {
    const { rows } = await pool
      .query<{ id: string }>(
        `select id from rekey.rotations where completed_at is null and waiting_for = 'integrity'`,
      )
      .catch(() => ({ rows: [] }));
    for (const { id } of rows) waiting.add(id);
    await sleep(200);
  }
  return waiting.size;
}

export const foundationFaults = {
  // The usual policy: the application sees its rows, and nobody thought of who else works on the table.
  'row-security': foundation({
    table: 'secrets',
    remove: () => `drop policy if exists own_rows on secrets;
      create policy own_rows on secrets to rekey_application using (true) with check (true);
      alter table secrets enable row level security`,
    putBack: () =>
      'drop policy if exists own_rows on secrets; alter table secrets disable row level security',
  }),
  // An online schema change: another table bears the name, with the rows, the indexes and the rights, and without triggers.
  'table-swapped': foundation({
    table: 'api_keys',
    unfenced: true,
    remove: (name) => `lock table api_keys in access exclusive mode;
      create table ${name} (like api_keys including all); insert into ${name} select * from api_keys;
      alter table api_keys rename to ${name}_old; alter table ${name} rename to api_keys;
      select rekey.grant_worker('rekey_worker'), rekey.grant_application('rekey_application')`,
    putBack: (name) => `drop table if exists ${name}_old`,
  }),
  'index-loses-a-record': indexLosesRecord,
  'fence-disabled': foundation({
    table: 'credentials',
    unfenced: true,
    remove: () => 'alter table credentials disable trigger rekey_fence_update_credentials',
  }),
} as const satisfies Record<string, Fault>;
