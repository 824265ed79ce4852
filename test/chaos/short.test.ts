import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { shortPlan } from './plan.ts';
import { render } from './report.ts';
import { run } from './run.ts';

test('nothing is lost, whatever dies: some fifty faults beside readers, writers and rotations', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-chaos-'));
  const report = await run(shortPlan(20_261_123), folder, () => {}, t.signal);
  const { faults, values, rotations } = report.judgement;
  t.diagnostic(render(report));
  assert.deepEqual(report.violations, [], `history and logs are in ${folder}`);
  const seen = [...faults.values()].reduce((sum, fault) => sum + fault.seen, 0);
  assert.ok(seen >= 30, `${seen} faults were seen to happen`);
  assert.ok(values.reads > 5_000 && values.writes > 500 && rotations.size > 10);
  await rm(folder, { recursive: true });
});
