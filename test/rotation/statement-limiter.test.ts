import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { row } from '@rekey/db';
import { fixedBatchSize, rotate, type StatementLimiter } from '@rekey/rotation';
import { rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const records = 300;
/** One of each target; each begins with one statement. */
const ranges = 3;
type Run = StatementLimiter['run'];

const limiterWith = (run: Run): StatementLimiter => ({ places: 1, run, took: () => {} });

async function startedRotation(): Promise<string> {
  const tenantId = randomUUID();
  await core.vault.createTenant({ tenantId, name: 'a tenant' });
  const values = Array.from({ length: records }, () => ({
    id: randomUUID(),
    value: randomBytes(40),
    columns: { name: 'a record' },
  }));
  await core.vault.putMany({ target: 'secrets', tenantId, records: values });
  return core.start(tenantId);
}

for (const nth of [1, 2, 4, 5]) {
  test(`a signal during statement ${nth}: whoever waits then sends nothing, and every range is given back`, async () => {
    const rotationId = await startedRotation();
    const stopping = new AbortController();
    const answers: unknown[] = [];
    const somebodyWaits = Promise.withResolvers<void>();
    let asked = 0;
    let statements = 0;
    let before: Promise<unknown> = Promise.resolve();
    // One at a time, and the signal comes while one statement is under way and another waits.
    const run: Run = (statement) => {
      asked += 1;
      if (asked > nth) somebodyWaits.resolve();
      const mine = before.then(async () => {
        statements += 1;
        if (statements !== nth) return statement();
        const underWay = statement();
        await somebodyWaits.promise;
        stopping.abort();
        return underWay;
      });
      before = mine.then(
        (answer) => void (statements > nth && answers.push(answer)),
        () => {},
      );
      return mine;
    };
    const env = core.environment({ statementLimiter: limiterWith(run), batchSize: fixedBatchSize(50) });
    assert.equal(await rotate(env, rotationId, stopping.signal), 'stopped');
    await before;
    assert.ok(statements > nth, 'nobody waited');
    assert.deepEqual(new Set(answers), new Set(['stopped']));
    const held = await row<{ ranges: string }>(
      core.store,
      'select count(*) as ranges from rekey.rotation_ranges where rotation_id = $1 and owner is not null',
      [rotationId],
    );
    assert.equal(Number(held.ranges), 0);

    assert.equal(await rotate(core.environment(), rotationId, AbortSignal.timeout(30_000)), 'done');
    const { status, itemsRotated } = await core.view(rotationId);
    assert.deepEqual([status, itemsRotated.secrets], ['completed', records]);
  });
}

test('a range whose turn came late is renewed before anything else', async () => {
  const rotationId = await startedRotation();
  const silentForMs = async (): Promise<number> => {
    const longest = await row<{ ms: string }>(
      core.store,
      `select extract(epoch from clock_timestamp() - heartbeat_at) * 1000 as ms
       from rekey.rotation_ranges where rotation_id = $1 and target = 'secrets'`,
      [rotationId],
    );
    return Number(longest.ms);
  };
  let asked = 0;
  let whenRead: { readonly before: number; readonly after: number } | undefined;
  const run: Run = async (statement) => {
    asked += 1;
    if (asked <= ranges) await sleep(2_200);
    const before = await silentForMs();
    const answer = await statement();
    // The window with the records in it: nothing was written yet.
    if (hasRecords(answer)) whenRead ??= { before, after: await silentForMs() };
    return answer;
  };
  assert.equal(
    await rotate(
      core.environment({ statementLimiter: limiterWith(run) }),
      rotationId,
      AbortSignal.timeout(30_000),
    ),
    'done',
  );
  assert.ok(whenRead !== undefined);
  const { before, after } = whenRead;
  assert.ok(before > 2_000 && after < 2_000, `silent for ${before} ms, and for ${after} ms when it was read`);
});

function hasRecords(answer: unknown): boolean {
  const { records: window } = (answer ?? {}) as { readonly records?: { readonly length: number } };
  return window !== undefined && window.length > 0;
}
