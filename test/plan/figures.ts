/**
 * `npm run plans:figures`: ten rotations of different sizes, each planned first, and whether what they took lay within what
 * was planned. Before them as many others as an installation needs to estimate by its own. It exits with 1 where fewer than
 * eight of ten lay within, or a range was wider than one to two. It is no test: what it measures is this machine too.
 */
import { test } from 'node:test';
import { createClient, type Plan, type Rotation } from '@rekey/client';
import { installation } from '../harness/installation.ts';

const recordsOf = {
  // The first ones warm a worker up that has just started: each takes half as long as the one before it.
  before: [85, 85, 85, 85, 85, 85, 2_000, 5_000, 12_000, 20_000, 30_000, 2_000, 85, 5_000, 85, 12_000, 85],
  planned: [20, 85, 400, 1_500, 3_000, 6_000, 9_000, 15_000, 24_000, 34_000],
} as const;
const wanted = 8;
const widest = 2.001;

interface Range {
  readonly low: number;
  readonly high: number;
}

const holds = ({ low, high }: Range, value: number | null): boolean =>
  value !== null && low <= value && value <= high;

test('ten workloads', { timeout: 270_000 }, async (t) => {
  const rekey = await installation();
  const client = createClient({ url: rekey.apis[0]?.url ?? '', token: () => rekey.token });

  async function rotateWithPlan(records: number): Promise<Rotation> {
    const { tenantId } = await rekey.seedTenant(records);
    const { data: begun } = await client.planRotation({ body: { tenantId } });
    const { planId }: Plan = await client.waitForPlan(begun.planId);
    const { rotationId } = await client.rotate(tenantId, { planId });
    await client.waitFor(rotationId, { everyMs: 50 });
    // Its worker tells of its calls within a second or two.
    for (let asked = 0; ; asked += 1) {
      const rotation = (await client.getRotation({ path: { rotationId } })).data;
      if ((rotation.actual?.kmsCalls ?? 0) >= 2 || asked > 50) return rotation;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  for (const records of recordsOf.before) await rotateWithPlan(records);
  const within = { seconds: 0, walBytes: 0, kmsCalls: 0 };
  let wide = 0;
  for (const records of recordsOf.planned) {
    const { plan, actual } = await rotateWithPlan(records);
    if (plan === undefined || actual === undefined) throw new Error('a rotation lacks its plan');
    const said = (['seconds', 'walBytes', 'kmsCalls'] as const).map((of) => {
      const [range, value] = [plan[of], actual[of]];
      if (holds(range, value)) within[of] += 1;
      if (range.high > widest * range.low) wide += 1;
      return `${of} ${value} in ${range.low} to ${range.high}${holds(range, value) ? '' : ' NOT'}`;
    });
    t.diagnostic(`${records} records: ${said.join(' · ')}`);
  }
  t.diagnostic(
    `within, of ${recordsOf.planned.length}: ${JSON.stringify(within)}; ${wide} ranges wider than 1 : 2`,
  );
  if (Math.min(...Object.values(within)) < wanted || wide > 0) throw new Error('not as wanted');
});
