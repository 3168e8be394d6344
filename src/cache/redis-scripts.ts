import { createHash } from 'node:crypto';

/** A script that Redis runs as one step (https://redis.io/docs/latest/develop/programmability/eval-intro/). */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

/** The most announcements that the table holds; of more the older half becomes "everything before". */
const MOST_MARKS = 100_000;

/**
 * The time (`now`, in µs by Redis' own clock), and the `epoch` of the table in `state` and `marks`; one that has none gets the first
 * argument, and so does one whose marks Redis has evicted.
 */
const LIFE = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local epoch = redis.call('HGET', state, 'epoch')
if epoch and redis.call('HEXISTS', state, 'marked') == 1 and redis.call('EXISTS', marks) == 0 then epoch = false end
if not epoch then
  redis.call('HDEL', state, 'marked')
  epoch = ARGV[1]
  redis.call('HSET', state, 'epoch', epoch, 'seq', string.format('%.0f', now))
end
`;

/** Takes away at most so many of the traces (in `traces`, by when they were told something last, in ms) that have `ended` by now. */
const prune = (most: number) => `
for _, old in ipairs(redis.call('ZRANGEBYSCORE', traces, '-inf', ended, 'LIMIT', 0, ${most})) do
  redis.call('DEL', old)
  redis.call('ZREM', traces, old)
end
`;

/**
 * KEYS: state, marks, what has been handed over of an earlier life of the table. ARGV: an epoch for a table that has none, for how
 * many µs announcements are kept, the channel, who announces, how, and then for each announcement its text and the number it had.
 *
 * How: `new` each is announced; `same` those are passed over that the table has with at least the number they had, or that are part of
 * "everything before", so that one that has lost some gets them again; `other` those that somebody has handed over already with at
 * least the number they had before. Of these what is handed over says that number, and the one it has now.
 *
 * Of too many, and of those that are too old, the last becomes "everything before", for an instance that has been away for so long.
 * Numbers are microseconds by Redis' own clock, and rise whatever that does. Gives the epoch, the number of the last announcement
 * before these, and of the last of these.
 */
export const ANNOUNCE = script(`
local state, marks, handed = KEYS[1], KEYS[2], KEYS[3]
local how = ARGV[5]
${LIFE}
local before = tonumber(redis.call('HGET', state, 'seq')) or now
local seq = before
local said = {}
local floor = tonumber(redis.call('ZSCORE', marks, 'purge')) or 0
for i = 6, #ARGV, 2 do
  local has = false
  if how == 'same' then has = math.max(floor, tonumber(redis.call('ZSCORE', marks, ARGV[i])) or 0) end
  if how == 'other' then has = tonumber(string.match(redis.call('HGET', handed, ARGV[i]) or '', '^%d+')) end
  if not has or has < tonumber(ARGV[i + 1]) then
    if #said == 0 then seq = math.max(before + 1, now) else seq = seq + 1 end
    redis.call('ZADD', marks, string.format('%.0f', seq), ARGV[i])
    if how == 'other' then redis.call('HSET', handed, ARGV[i], ARGV[i + 1] .. string.format(' %.0f', seq)) end
    said[#said + 1] = ARGV[i]
  end
end
if how == 'other' then redis.call('EXPIRE', handed, 86400) end
if #said > 0 then
  redis.call('HSET', state, 'seq', string.format('%.0f', seq), 'marked', '1')
  local old = string.format('%.0f', now - tonumber(ARGV[2]))
  local last = redis.call('ZREVRANGEBYSCORE', marks, old, '-inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
  local count = redis.call('ZCARD', marks)
  if count > ${MOST_MARKS} then
    local half = math.floor(count / 2)
    last = redis.call('ZRANGE', marks, half, half, 'WITHSCORES')[2]
  end
  if last then
    redis.call('ZREMRANGEBYSCORE', marks, '-inf', last)
    redis.call('ZADD', marks, 'GT', last, 'purge')
  end
  local first = seq - #said + 1
  redis.call('PUBLISH', ARGV[3], string.format('{"epoch":%s,"before":%.0f,"first":%.0f,"from":%s,"said":%s}',
    cjson.encode(epoch), before, first, cjson.encode(ARGV[4]), cjson.encode(said)))
end
return {epoch, string.format('%.0f', before), string.format('%.0f', seq)}
`);

/**
 * KEYS: state, marks, instances, the secret, all traces. ARGV: an epoch for a table that has none, the epoch and the number that the
 * instance has got to (empty and 0 for none), its id, what it says of itself (JSON), after how many µs of silence an instance is gone,
 * for how many ms a trace is kept.
 *
 * A table that comes back older than an instance knows it goes on with greater numbers. Gives the epoch, the last number, the time (µs),
 * what the instances say of themselves, and whether there is a secret.
 */
export const BEAT = script(`
local state, marks, instances, secret, traces = unpack(KEYS)
${LIFE}
local seq = redis.call('HGET', state, 'seq') or '0'
local known = seq
if epoch == ARGV[2] and tonumber(ARGV[3]) > tonumber(seq) then
  seq = ARGV[3]
  redis.call('HSET', state, 'seq', seq)
end
redis.call('HSET', instances, ARGV[4], string.format('%.0f ', now) .. ARGV[5])
local all = redis.call('HGETALL', instances)
local said = {}
for i = 1, #all, 2 do
  local at = tonumber(string.match(all[i + 1], '^%d+'))
  if not at or at < now - tonumber(ARGV[6]) then redis.call('HDEL', instances, all[i])
  else said[#said + 1] = string.match(all[i + 1], '^%d+ (.*)$') end
end
local ended = math.floor(now / 1000) - tonumber(ARGV[7])
${prune(1_000)}
return {epoch, known, string.format('%.0f', now), said, redis.call('EXISTS', secret)}
`);

/** KEYS: marks. ARGV: a number, and how many at most. Gives the announcements after it with their numbers, in order. */
export const AFTER = script(`
return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
`);

/**
 * KEYS: a trace, all traces. ARGV: for how many ms it is kept, the most tags it may have, and then tags with their numbers: of each the
 * least counts. One that has too many has one without a name.
 *
 * A trace has no time to live: Redis evicts what has one, and who finds none, or one that was begun anew, would take it for all there
 * is. So each looks after some of those that have had their time.
 */
export const NOTE = script(`
local trace, traces = KEYS[1], KEYS[2]
for i = 3, #ARGV, 2 do
  local had = redis.call('HGET', trace, ARGV[i])
  local tag = ARGV[i]
  if not had and redis.call('HLEN', trace) >= tonumber(ARGV[2]) then tag = '' end
  if not had or tonumber(had) > tonumber(ARGV[i + 1]) then redis.call('HSET', trace, tag, ARGV[i + 1]) end
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', traces, now, trace)
local ended = now - tonumber(ARGV[1])
${prune(10)}
return 1
`);

/**
 * KEYS: an entry. ARGV: a record, until when it is kept (ms since the epoch), how the record begins that it may take the place of (its
 * version and its checksum). Gives 1, or the record that is there instead.
 */
export const PUT = script(`
local head = redis.pcall('GETRANGE', KEYS[1], 0, 7)
if type(head) == 'string' and #head > 0 and head ~= ARGV[3] then return redis.call('GET', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[1], 'PXAT', ARGV[2])
return 1
`);

/** KEYS: any number. ARGV: the most bytes. Gives the values, and nothing for those that there are no bytes left for. */
export const READ = script(`
local values, bytes = {}, 0
for i = 1, #KEYS do
  local value = redis.call('GET', KEYS[i])
  if value and bytes + #value > tonumber(ARGV[1]) then value = false end
  if value then bytes = bytes + #value end
  values[i] = value
end
return values
`);

/**
 * KEYS: a lease. ARGV: whose it is to be, the number of the last announcement that has been applied there, for how many ms. Gives 1 if it
 * is theirs now, and 0 if it is another's. One from before an announcement holds nobody up who knows of that: what it brings may be meant.
 */
export const TAKE = script(`
local held = redis.call('GET', KEYS[1])
if held then
  local seq = tonumber(string.match(held, ' (%d+)$'))
  if not seq or seq >= tonumber(ARGV[2]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[3])
return 1
`);

/** KEYS: a lease. ARGV: whose it is, for how many ms more. Gives 1 if it still is. 0 ms gives it back. */
export const RENEW = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('DEL', KEYS[1]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`);

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}
