export { createDoorbell, type Doorbell, type RedisSettings } from './doorbell.ts';
export { openRedis, parseRedisUrl, type RedisClient, type Temper, unfitness } from './redis.ts';
export { createScoreboard, type PublishedSnapshot, type Scoreboard } from './scoreboard.ts';
export {
  backoffMs,
  parseRangeTicket,
  parseRotationTicket,
  queueNames,
  type RangeTicket,
  type RotationTicket,
  rangeJobId,
  rotationJobId,
} from './tickets.ts';
