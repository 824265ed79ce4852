/**
 * Whoever calls whatever while two workers sweep: campaigns and their tenants' rotations are paused, resumed and cancelled in any order,
 * and at every look the counts add up. `CAMPAIGN_SEED=<n> npm test -- test/campaigns/random-calls.test.ts` for another sequence.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CampaignView,
  cancelRotation,
  memberStates,
  pauseRotation,
  resumeRotation,
  steerCampaign,
} from '@rekey/control';
import { randomFrom } from '../harness/random.ts';
import { testRedis } from '../harness/redis.ts';
import { until } from '../harness/wait.ts';
import { workerHere } from '../harness/worker-here.ts';
import { ada, campaigning } from './campaigning.ts';

const { core, begin, rotationsOf, view } = await campaigning();
const { store, pool } = core;
const seed = Number(process.env.CAMPAIGN_SEED ?? 2026);
const steering = { actor: ada, reason: null };
const calls = 50;

const ended = (of: CampaignView): number =>
  memberStates.reduce(
    (sum, state) => sum + (state === 'waiting' || state === 'running' ? 0 : of.byState[state]),
    0,
  );

/** What a campaign was when it was last looked at, and what may not change from then on. */
interface Followed {
  readonly id: string;
  ended: number;
  /** How many wait, from the answer to a pause or a cancel on until somebody resumes it; null: it may start some. */
  waiting: number | null;
  cancelled: boolean;
}

async function look(followed: Followed, after: string): Promise<CampaignView> {
  const found = await view(followed.id);
  const about = `seed ${seed}, after ${after}: ${JSON.stringify(found)}`;
  const all = memberStates.reduce((sum, state) => sum + found.byState[state], 0);
  assert.equal(all, found.tenants, about);
  assert.ok(found.byState.running <= found.atOnceMax, about);
  assert.ok(ended(found) >= followed.ended, about);
  followed.ended = ended(found);
  if (followed.waiting !== null) assert.equal(found.byState.waiting, followed.waiting, about);
  if (followed.cancelled) assert.equal(found.status, 'cancelled', about);
  if (found.status.startsWith('completed')) assert.equal(ended(found), found.tenants, about);
  const started = await rotationsOf(followed.id);
  assert.ok(
    [...started.values()].every((n) => n === 1),
    about,
  );
  return found;
}

test('whatever is called while two workers sweep, counts add up, nothing is started that must not be, and nobody is lost', async (t) => {
  const random = randomFrom(seed);
  const pick = <One>(of: readonly One[]): One | undefined => of[Math.floor(random() * of.length)];
  const tenants = await Promise.all(
    Array.from({ length: 12 }, (_, n) => core.tenantWith(n % 4 === 3 ? 400 : 2 + n)),
  );
  const tenantIds = tenants.map(({ tenantId }) => tenantId);
  const redis = testRedis();
  for (let n = 0; n < 2; n += 1)
    await workerHere({ databaseUrl: core.database.url, redis }, core.kek, undefined, {
      config: { ITEMS_PER_SECOND_MAX: 400, BATCH_SIZE: 20 },
    });
  const campaigns: Followed[] = [];
  for (const bounds of [
    { atOnceMax: 2, canaries: 1, failuresMax: 2 },
    { atOnceMax: 3, failuresMax: 3 },
  ])
    campaigns.push({
      id: await begin({ whom: { tenantIds }, ...bounds }),
      ended: 0,
      waiting: null,
      cancelled: false,
    });
  const unfinished = async (): Promise<string[]> =>
    (
      await pool.query<{ id: string }>(
        `select id from rekey.rotations where status in ('in_progress', 'paused') order by id`,
      )
    ).rows.map(({ id }) => id);

  const made: string[] = [];
  for (let n = 0; n < calls; n += 1) {
    const one = pick(campaigns);
    const rotationId = pick(await unfinished());
    const chance = random();
    let call = 'none';
    if (chance < 0.55 && one !== undefined) {
      // A cancel is the last thing that happens to one: not too early.
      const wanted = n > 35 && random() < 0.15 ? 'cancelled' : random() < 0.5 ? 'paused' : 'in_progress';
      // From the call on it may start some again; from the answer to the others on none.
      if (wanted === 'in_progress') one.waiting = null;
      const answer = await steerCampaign(store, one.id, wanted, steering);
      call = `${wanted} ${answer.kind}`;
      if ('view' in answer) {
        if (wanted !== 'in_progress') one.waiting = answer.view.byState.waiting;
        if (wanted === 'cancelled') one.cancelled = true;
      } else assert.ok(answer.kind === 'finished', call);
    } else if (rotationId !== undefined) {
      const steer = chance < 0.7 ? pauseRotation : chance < 0.9 ? resumeRotation : cancelRotation;
      call = `${steer.name} ${(await steer(store, rotationId, steering)).kind}`;
    }
    made.push(call);
    for (const each of campaigns) await look(each, call);
    await sleep(random() * 80);
  }

  await until(
    async () => {
      for (const id of await unfinished()) await resumeRotation(store, id, steering);
      let over = true;
      for (const each of campaigns) {
        const { status, byState } = await look(each, 'all of it');
        if (status === 'paused') {
          each.waiting = null;
          await steerCampaign(store, each.id, 'in_progress', steering);
        }
        over &&= byState.running === 0 && !['paused', 'in_progress'].includes(status);
      }
      return over && (await unfinished()).length === 0;
    },
    { timeoutMs: 120_000, what: 'all that was begun comes to its end' },
  );
  const { rows: otherwise } = await pool.query(
    `select m.state, r.status from rekey.campaign_members m left join rekey.rotations r on r.id = m.work_id
     where m.state not in ('waiting', 'skipped') and r.status is distinct from m.state`,
  );
  assert.deepEqual(otherwise, [], 'what became of a tenant is what became of its rotation');
  const { rows: neither } = await pool.query(
    `select from rekey.rotations r where not exists (select from rekey.campaign_members m where m.work_id = r.id)`,
  );
  assert.equal(neither.length, 0, 'no rotation but those that are written down');
  for (const each of campaigns) t.diagnostic(JSON.stringify((await look(each, 'the end')).byState));
  t.diagnostic(`seed ${seed}: ${made.join(', ')}`);
  for (const { tenantId, ids } of tenants)
    for (const id of ids.slice(0, 5))
      assert.notEqual(await core.anotherVault().get({ target: 'secrets', tenantId, id }), null);
});
