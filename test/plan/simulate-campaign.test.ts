import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CampaignFacts, type FinishedRotation, simulateCampaign } from '@rekey/control';

const now = new Date('2026-03-01T00:00:00Z');
const at = (seconds: number): Date => new Date(now.getTime() + seconds * 1_000);
/** Small rotations took a second here, each. */
const finished: FinishedRotation[] = Array.from({ length: 5 }, () => ({
  items: 100,
  seconds: 1,
  bytes: null,
  walBytes: null,
}));
const facts = (
  members: number,
  of: (n: number) => Partial<CampaignFacts['members'][number]> = () => ({}),
  rest: Partial<CampaignFacts['facts']> = {},
): CampaignFacts => ({
  now,
  waitsForCompromise: false,
  facts: { activeKey: null, workers: 2, queue: { running: 0, waiting: 0, itemsAhead: 0 }, finished, ...rest },
  members: Array.from({ length: members }, (_, n) => ({
    tenantId: String(n),
    items: 100,
    workId: null,
    deks: 1,
    overdueAt: null,
    ...of(n),
  })),
});
const asked = {
  action: 'rotate',
  order: 'as_given',
  canaries: 0,
  atOnceMax: 10,
  perHourMax: null,
  failuresMax: 5,
  callsPerSecondMax: 100,
} as const;

test('nobody to start takes no time, and whom it would skip takes none either', () => {
  assert.deepEqual(simulateCampaign(asked, facts(0)).seconds, { low: 0, high: 0 });
  const skipping = simulateCampaign(
    asked,
    facts(10, (n) => ({ workId: n % 2 === 0 ? 'w' : null })),
  );
  assert.deepEqual([skipping.selected, skipping.skipped.length, skipping.records], [10, 5, 500]);
});

test('the end lies between as many at once as it may and as many as there are workers', () => {
  const { seconds, atOnce, by } = simulateCampaign(asked, facts(100));
  assert.equal(by, 'measured');
  assert.deepEqual(atOnce, { low: 2, high: 10 });
  // A second each: ten turns of ten at the earliest, fifty of two at the latest, with a look between.
  assert.ok(seconds.low > 5 && seconds.low <= 10, String(seconds.low));
  assert.ok(seconds.high >= 100 && seconds.high < 150, String(seconds.high));
  const one = simulateCampaign({ ...asked, atOnceMax: 1 }, facts(100)).seconds;
  assert.ok(one.low > 8 * seconds.low && one.high >= 1.9 * seconds.high);
  assert.equal(simulateCampaign(asked, facts(100, undefined, { finished: [] })).by, 'assumed');
});

test('canaries have ended before any other begins, and no hour has more beginnings than it may', () => {
  const [with5, without] = [5, 0].map(
    (canaries) => simulateCampaign({ ...asked, canaries }, facts(10)).seconds,
  );
  assert.ok((with5?.low ?? 0) > 1.5 * (without?.low ?? 0));
  // 25 at 10 an hour: the last five begin after two hours.
  const { low, high } = simulateCampaign({ ...asked, perHourMax: 10 }, facts(25)).seconds;
  assert.ok(low > 7_200 && high < 7_300, `${low} ${high}`);
});

test('a policy is not kept where the key is overdue before the turn has ended; for certain, if even at the earliest', () => {
  const { late, seconds } = simulateCampaign(
    { ...asked, atOnceMax: 2 },
    facts(100, (n) => ({
      overdueAt: n === 0 ? at(-60) : n === 98 ? at(60) : n === 99 ? at(1_000_000) : null,
    })),
  );
  assert.deepEqual(
    late.map(({ tenantId, isCertain }) => [tenantId, isCertain]),
    [
      ['0', true],
      ['98', false],
    ],
  );
  assert.ok(seconds.low < 60 && seconds.high > 60, JSON.stringify(seconds));
  assert.ok((late[1]?.endsAt.earliest.getTime() ?? 0) < at(60).getTime());
});

test('of a rewrap what counts is its DEKs, by so many calls a second', () => {
  const rewrap = { ...asked, action: 'rewrap', atOnceMax: 1 } as const;
  const of = (callsPerSecondMax: number) =>
    simulateCampaign(
      { ...rewrap, callsPerSecondMax },
      facts(10, () => ({ deks: 50 })),
    ).seconds;
  assert.ok(of(1).low >= 1_000 && of(1).low < 1_010, JSON.stringify(of(1)));
  assert.ok(of(1_000).high < of(1).low);
});

test('what runs already is before it at the latest, and the largest is no matter for the small ones before it', () => {
  const queue = { running: 1, waiting: 0, itemsAhead: 1_000_000 };
  const [idle, busy] = [facts(10), facts(10, undefined, { queue })].map(
    (one) => simulateCampaign(asked, one).seconds,
  );
  assert.equal(idle?.low, busy?.low);
  assert.ok((busy?.high ?? 0) > (idle?.high ?? 0) + 100);
});

test('twenty thousand tenants are simulated as they would take turns one by one', () => {
  const many = simulateCampaign(
    { ...asked, atOnceMax: 1_000 },
    facts(20_000, (n) => ({ items: (n * 7_919) % 900 })),
  );
  // No place is idle while somebody waits: work shared among so many, and the longest of them on top at most.
  const one = simulateCampaign(
    { ...asked, atOnceMax: 1 },
    facts(20_000, (n) => ({ items: (n * 7_919) % 900 })),
  ).seconds;
  assert.ok(
    many.seconds.low >= one.low / 1_001 && many.seconds.low <= one.low / 1_000 + 5,
    `${many.seconds.low}`,
  );
});
