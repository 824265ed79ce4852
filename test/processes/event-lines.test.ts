import assert from 'node:assert/strict';
import { test } from 'node:test';
import { installation } from '../harness/installation.ts';
import { until } from '../harness/wait.ts';
import { makeLarge } from '../schema/large-table.ts';

interface Line {
  readonly msg: string;
  readonly event: string;
  readonly sequence: string;
  readonly tenantId?: string;
  readonly rotationId?: string;
  readonly actor: string;
  readonly subject: string;
  readonly target?: string;
  readonly setting?: string;
}

const rekey = await installation({ workers: 2 });
const { store } = rekey;

/** The lines about events, of all workers that ever were. */
const lines = (): Line[] =>
  rekey.workers
    .flatMap((worker) => worker.logs().split('\n'))
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line))
    .filter(({ msg }) => msg === 'event');

const nameOf = ({ tenantId = 'installation', sequence }: Pick<Line, 'tenantId' | 'sequence'>): string =>
  `${tenantId}/${sequence}`;

/** Every event since the workers began, as its line is named. */
async function recorded(): Promise<string[]> {
  const { rows } = await store.query<{ name: string }>(
    `select case when e.chain = i.id then 'installation' else e.chain::text end || '/' || e.sequence as name
     from rekey.events e, rekey.installation i order by e.chain, e.sequence`,
  );
  return rows.map(({ name }) => name);
}

/** Until each event has a line. */
const allWritten = (): Promise<true> =>
  until(
    async () => {
      const written = new Set(lines().map(nameOf));
      return (await recorded()).every((name) => written.has(name)) || undefined;
    },
    { what: 'every event has a line', timeoutMs: 60_000 },
  );

test('whatever was decided, by a call, a worker or SQL typed by hand, has one line in the log of one worker', async () => {
  const operator = (await store.query<{ me: string }>('select session_user as me')).rows[0]?.me;
  const { tenantId } = await rekey.seedTenant(17);
  const called = (await rekey.rotate(tenantId)).body.data.rotationId;
  await rekey.ended(called);
  const typed = await rekey.seedTenant(17);
  await store.query('update rekey.deks set state = $2 where tenant_id = $1 and state = $3', [
    typed.tenantId,
    'compromised',
    'active',
  ]);
  await makeLarge(store, 'by_hand', [tenantId], 1);
  await store.query(`select rekey.register_target('by_hand', 'secrets', 'by_hand')`);
  await store.query(`select rekey.change_setting('value_bytes_max', 2000000)`);
  await allWritten();

  const written = lines();
  assert.deepEqual(written.map(nameOf).sort(), (await recorded()).sort(), 'one line each');
  const only = (event: string, of: (line: Line) => boolean): Line => {
    const [line, ...more] = written.filter((one) => one.event === event && of(one));
    assert.ok(line !== undefined && more.length === 0, `${more.length} more lines of ${event}`);
    return line;
  };
  const requested = only('rotation.requested', ({ rotationId }) => rotationId === called);
  assert.deepEqual([requested.tenantId, requested.actor, requested.subject], [tenantId, 'user', 'ada']);
  const completed = only('rotation.completed', ({ rotationId }) => rotationId === called);
  assert.deepEqual([completed.tenantId, completed.actor], [tenantId, 'worker']);
  for (const [event, of] of [
    ['key.compromised', (line: Line) => line.tenantId === typed.tenantId],
    ['target.registered', (line: Line) => line.target === 'by_hand'],
    ['setting.changed', (line: Line) => line.setting === 'value_bytes_max'],
  ] as const) {
    const line = only(event, of);
    assert.deepEqual([line.actor, line.subject], ['operator', operator]);
  }
});

test('workers that are killed lose no line', async () => {
  for (let round = 0; round < 3; round += 1) {
    const tenants = await Promise.all(Array.from({ length: 10 }, () => rekey.seedTenant(1)));
    const workers = rekey.workers.slice(-2);
    for (const worker of workers) worker.kill('SIGKILL');
    await Promise.all(tenants.map(({ tenantId }) => rekey.rotate(tenantId)));
    await Promise.all([rekey.addWorker(), rekey.addWorker()]);
  }
  await allWritten();
});
