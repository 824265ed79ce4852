import { foreignLockMs } from '@rekey/times';
import type { RedisClient } from './redis.ts';
import { runScript, script } from './run-script.ts';

/**
 * Where a job stands whose ticket brings nobody to work. `add` with an id that exists does nothing, whatever state the
 * job is in: one that is in no list any more (a list was lost, a script failed half way, somebody tidied up), or whose
 * fields no worker can read, would hold its tenant for ever. Such a job is removed, and lists that are none. One that waits
 * behind a thousand others comes first: somebody floods the queue.
 */
const place = script(`
local job, lock, wait, active, paused, prioritized, delayed = unpack(KEYS)
local id, ticket = ARGV[1], ARGV[2]
local near, searched = 1000, 10000
local function sound(key, kind)
  local found = redis.call('TYPE', key).ok
  if found ~= kind and found ~= 'none' then redis.call('DEL', key) end
end
sound(wait, 'list') sound(active, 'list') sound(paused, 'list') sound(prioritized, 'zset') sound(delayed, 'zset')
-- What is more in it is of another version.
local function asks(held)
  if held == ticket then return true end
  local read, theirs = pcall(cjson.decode, held)
  if not read or type(theirs) ~= 'table' then return false end
  for name, value in pairs(cjson.decode(ticket)) do
    if theirs[name] ~= value then return false end
  end
  return true
end
local kind = redis.call('TYPE', job).ok
if kind == 'none' then return 'none' end
if kind == 'hash' then
  local held = redis.call('HMGET', job, 'data', 'opts', 'parentKey', 'rjk', 'stacktrace')
  local ours = held[1] and asks(held[1]) and held[2] and pcall(cjson.decode, held[2]) and not held[3] and not held[4]
    and (not held[5] or pcall(cjson.decode, held[5]))
  if redis.call('LPOS', active, id) then
    local left = redis.call('PTTL', lock)
    -- Such a lock is nobody's, and without it the job counts as stalled.
    if left == -1 or left > ${foreignLockMs} then redis.call('DEL', lock) left = -2 end
    if left > 0 or ours then return 'queued' end
  elseif ours then
    if redis.call('ZSCORE', delayed, id) then return 'delayed' end
    local rank = redis.call('ZRANK', prioritized, id)
    local length = redis.call('LLEN', wait)
    if rank and rank + length < near then return 'queued' end
    if not rank and redis.call('LPOS', wait, id, 'RANK', -1, 'MAXLEN', near) then return 'queued' end
    -- Behind more than there is work for: to the front. In a long list it is not even searched for, since its id may
    -- stand there twice.
    if rank or length > searched or redis.call('LPOS', wait, id) then
      if ARGV[3] == '0' then return 'queued' end
      redis.call('ZREM', prioritized, id)
      if length <= searched then redis.call('LREM', wait, 0, id) end
      redis.call('RPUSH', wait, id)
      return 'moved'
    end
  end
end
redis.call('LREM', active, 0, id) redis.call('LREM', wait, 0, id) redis.call('LREM', paused, 0, id)
redis.call('ZREM', prioritized, id) redis.call('ZREM', delayed, id)
redis.call('DEL', job, lock)
return 'lost'`);

export type Place = 'none' | 'queued' | 'moved' | 'delayed' | 'lost';

/** Says where the job is that this ticket should be; after `lost` and `none` the ticket can be added. */
export async function mendPlace(
  client: RedisClient,
  prefix: string,
  queue: string,
  jobId: string,
  ticket: unknown,
  mayMove: boolean,
): Promise<Place> {
  const keys = [jobId, `${jobId}:lock`, 'wait', 'active', 'paused', 'prioritized', 'delayed'];
  const found = await runScript(
    client,
    place,
    keys.map((key) => `${prefix}:${queue}:${key}`),
    [jobId, JSON.stringify(ticket), mayMove ? 1 : 0],
  );
  return found as Place; // what the script returns
}
