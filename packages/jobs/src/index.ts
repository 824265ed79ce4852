export { checkRedis, type Fitness, fitnessOf, type RedisCheck } from './check-redis.ts';
export { clusterProblems, createIdentity, type Identity, keysOf } from './installation.ts';
export { openRedis, parseRedisUrl, type RedisClient, type Temper } from './redis.ts';
export { otherPrefixes, redisFacts } from './redis-facts.ts';
export { RedisTrouble, type RedisTroubleCode, spoilsConnection, troubleOf } from './redis-trouble.ts';
export {
  createSnapshots,
  type PublishedSnapshot,
  type ReadSnapshot,
  type RotationOfTenant,
  type Snapshots,
} from './snapshots.ts';
export { createTicketQueue, type QueueCounts, type RedisSettings, type TicketQueue } from './ticket-queue.ts';
export {
  backoffMs,
  isOfLaterVersion,
  parseRangeTicket,
  parseRotationTicket,
  queueNames,
  type RangeTicket,
  type RotationTicket,
  rangeJobId,
  rotationJobId,
} from './tickets.ts';
export { type RedisWatch, warnOfRedis, watchRedis } from './watch-redis.ts';
