import { setTimeout as sleep } from 'node:timers/promises';
import type { Link, LinkMode } from '../proxy/link.ts';
import type { Tripwire } from '../proxy/tripwire.ts';
import { type Fault, type FaultTools, type Sighting, seenIf } from './fault.ts';

type Choose = (tools: FaultTools) => Promise<Link>;

const workersPostgres: Choose = async (tools) => (await tools.worker()).postgres;
const workersRedis: Choose = async (tools) => (await tools.worker()).redis;
const apisPostgres: Choose = async ({ random, world }) => random.pick(world.apis).postgres;
const apisRedis: Choose = async ({ random, world }) => random.pick(world.apis).redis;
const applications: Choose = async ({ random, world }) => random.pick(world.apps).link;

const cut =
  (choose: Choose): Fault =>
  async (tools) => {
    const link = await choose(tools);
    link.set('refuse');
    const cuts = link.cut();
    await sleep(tools.random.integer(0, 2_000));
    link.set('pass');
    return seenIf(cuts > 0, `${cuts} connections of ${link.name}`);
  };

const silent =
  (choose: Choose, mode: LinkMode, minMs: number, maxMs: number): Fault =>
  async (tools) => {
    const link = await choose(tools);
    const before = link.harmed();
    link.set(mode);
    const ms = tools.random.integer(minMs, maxMs);
    await sleep(ms, undefined, { signal: tools.signal }).catch(() => {});
    const harmed = link.harmed() - before;
    link.set('pass');
    return seenIf(harmed > 0, `${link.name} for ${ms} ms`);
  };

const delayed =
  (choose: Choose): Fault =>
  async (tools) => {
    const link = await choose(tools);
    const before = link.harmed();
    link.setDelay(200);
    await sleep(tools.random.integer(3_000, 8_000), undefined, { signal: tools.signal }).catch(() => {});
    link.setDelay(0);
    const harmed = link.harmed() - before;
    return seenIf(harmed > 0, `${harmed} chunks of ${link.name}`);
  };

/** Springs at some commit on that link. */
async function atCommit(
  { random }: FaultTools,
  link: Link,
  moment: Tripwire['moment'],
  then: 'drop' | { readonly instead: string },
): Promise<Sighting> {
  const sprung = Promise.withResolvers<boolean>();
  const disarm = link.arm({
    // Some commit or other: of a transaction, or of a statement that commits itself.
    steps: random.pick([
      [/^commit$/i],
      [/rekey\.switch_to_dek/],
      [/proved_at = clock_timestamp/],
      [/phase = 'done'.* and version = /s],
    ]),
    moment,
    async spring() {
      sprung.resolve(true);
      return then;
    },
  });
  const timer = setTimeout(() => sprung.resolve(false), 10_000);
  const seen = await sprung.promise;
  clearTimeout(timer);
  disarm();
  return seenIf(seen, link.name);
}

const refusal = `do $$ begin raise exception 'the commit fails' using errcode = '40001'; end $$`;

export const linkFaults = {
  'postgres-link-cut': cut(workersPostgres),
  'redis-link-cut': cut(workersRedis),
  'application-link-cut': cut(applications),
  'postgres-link-stalled': silent(workersPostgres, 'stall', 2_000, 12_000),
  'redis-link-stalled': silent(workersRedis, 'stall', 2_000, 12_000),
  'postgres-link-half-open': silent(workersPostgres, 'half-open', 1_000, 8_000),
  'postgres-link-black-hole': silent(workersPostgres, 'black-hole', 1_000, 8_000),
  'redis-link-half-open': silent(workersRedis, 'half-open', 1_000, 8_000),
  'api-postgres-link-half-open': silent(apisPostgres, 'half-open', 1_000, 5_000),
  'api-redis-link-half-open': silent(apisRedis, 'half-open', 1_000, 5_000),
  'postgres-link-200ms': delayed(workersPostgres),
  'redis-link-200ms': delayed(workersRedis),
  'application-link-200ms': delayed(applications),
  'commit-fails': async (tools) =>
    atCommit(tools, (await tools.worker()).postgres, 'before', { instead: refusal }),
  'commit-never-arrives': async (tools) => atCommit(tools, (await tools.worker()).postgres, 'before', 'drop'),
  'commit-unanswered': async (tools) => atCommit(tools, (await tools.worker()).postgres, 'after', 'drop'),
  'application-commit-unanswered': async (tools) => {
    const link = await applications(tools);
    const sprung = Promise.withResolvers<boolean>();
    const disarm = link.arm({
      steps: [/^commit$/i],
      moment: tools.random.chance(0.5) ? 'after' : 'before',
      async spring() {
        sprung.resolve(true);
        return 'drop';
      },
    });
    const seen = await tools.within(5_000, sprung.promise);
    disarm();
    return seenIf(seen, link.name);
  },
} as const satisfies Record<string, Fault>;
