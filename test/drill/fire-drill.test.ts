/** The fire drill, small. At full scale: `npm run drill`, with figures in docs/reliability.md. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestDatabase } from '../harness/database.ts';
import { installation } from '../harness/installation.ts';
import { fireDrill } from './fire-drill.ts';

const number = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);

test('a compromised key is out of use, who holds it is ended, and its records come before the queue', async (t) => {
  const database = await createTestDatabase();
  const rekey = await installation({ databaseUrl: database.url, workers: 0 });
  const scale = {
    records: number('DRILL_RECORDS', 6_000),
    queue: number('DRILL_QUEUE', 100),
    kmsMs: 50,
    patienceSeconds: number('DRILL_PATIENCE', 2),
  };
  const figures = await fireDrill(rekey, scale, t);
  t.diagnostic(JSON.stringify({ scale, figures }));
  assert.deepEqual(
    [figures.refused.stranger, figures.grew, figures.holderEnded, figures.writes.failed],
    ['RK001', false, true, 0],
  );
  // Refused, or ended before it could be.
  assert.notEqual(figures.refused.holder, undefined);
  assert.equal(figures.leftOnOlderKeys, 0);
  // A matter of milliseconds; with a switch that waits for who holds the key it would be all of the patience and more.
  const patienceMs = scale.patienceSeconds * 1_000;
  assert.ok(figures.switchedAfterMs < patienceMs, `it switched after ${figures.switchedAfterMs} ms`);
  assert.ok(figures.writes.count > 0);
  assert.ok(figures.writes.longestMs < patienceMs, `a write took ${figures.writes.longestMs} ms`);
  // It was called for last: in its turn it would switch when nearly all of them have ended.
  const { switch: before, swept } = figures.ordinaryBefore;
  assert.ok(before < scale.queue * 0.75, `${before} of ${scale.queue} came before it`);
  // Those that were about to end when it was called for.
  assert.ok(swept < scale.queue * 0.75, `${swept} of ${scale.queue} came before its records`);
});
