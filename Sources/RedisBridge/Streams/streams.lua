-- The histories of channels in Redis: pushd publishes and reads with this script, and other programs may publish with
-- it (docs/history.md).
--
-- A channel's history is the stream with the channel's own name: so both are in one slot of a cluster, and Redis keeps
-- or forgets the messages and the numbers together. The IDs of its entries are EPOCH-OFFSET. The epoch is the time, in
-- microseconds, at which the numbers began; the offsets are 1, 2, 3 ... An entry has the fields t (when it came, in
-- microseconds), k (the conflation key, or nothing), d (the payload), and a if it has attributes.
--
-- The messages of a channel that grow by pieces are a hash beside it, with what each has so far.
--
-- A further key notes the id of a message: while it exists, nothing is published.

-- The numbers of a channel without messages are kept for so long after their last use.
local memory_seconds = 3600
-- A growing message that gets no piece for so long is forgotten.
local idle_seconds = 600
local most_growing = 64
-- The text of a growing message is in chunks of about so many bytes, so that a piece costs no more if there is much.
local chunk_bytes = 16384

local function now()
  local time = redis.call('TIME')
  return time[1] .. string.format('%06d', time[2])
end

-- A number without an exponent: Lua has doubles.
local function text(number)
  return string.format('%.0f', number)
end

-- The epoch and the last offset of a stream; nothing if there is none.
local function place(channel)
  local last = redis.call('XREVRANGE', channel, '+', '-', 'COUNT', 1)[1]
  local id = last and last[1]
  if not id and redis.call('EXISTS', channel) == 1 then
    local info = redis.call('XINFO', 'STREAM', channel)
    for i = 1, #info, 2 do
      if info[i] == 'last-generated-id' then id = info[i + 1] end
    end
  end
  if not id then return nil end
  local epoch, offset = string.match(id, '(%d+)-(%d+)')
  return epoch, tonumber(offset)
end

local function keep(channel, seconds)
  redis.call('EXPIRE', channel, math.max(tonumber(seconds), memory_seconds))
end

-- What subscribers get in place of a bare payload.
local function envelope(kind, epoch, offset, time, key, payload, attributes)
  local sizes = #key
  if attributes and attributes ~= '' then
    sizes = sizes .. ' ' .. #attributes
    payload = attributes .. payload
  end
  return '\0pushd1 ' .. kind .. ' ' .. epoch .. ' ' .. text(offset) .. ' ' .. time .. ' ' .. sizes .. '\n' .. key .. payload
end

-- Numbers a message, keeps it and publishes it; returns its place.
local function publish(channel, payload, size, seconds, command, key, attributes)
  key = key or ''
  local time = now()
  local epoch, offset = place(channel)
  epoch, offset = epoch or time, (offset or 0) + 1
  -- A stream is made of blocks: whole ones are dropped, which costs less than to mark single entries.
  local entry = { 't', time, 'k', key, 'd', payload }
  if attributes and attributes ~= '' then
    entry[7], entry[8] = 'a', attributes
  end
  redis.call('XADD', channel, 'MAXLEN', '~', size, epoch .. '-' .. text(offset), unpack(entry))
  keep(channel, seconds)
  redis.call(command or 'PUBLISH', channel, envelope('m', epoch, offset, time, key, payload, attributes))
  return epoch .. ':' .. text(offset)
end

-- What a growing message has: the time of its last piece, the offset of that, its bytes and its chunks; nil if it does
-- not grow. Names of messages have no control characters, so other fields have a byte 1.
local function growing(texts, id)
  local line = redis.call('HGET', texts, id)
  if not line then return nil end
  local time, offset, bytes, chunks = string.match(line, '(%d+) (%d+) (%d+) (%d+)')
  local is_idle = tonumber(now()) - tonumber(time) > idle_seconds * 1000000
  return { offset = offset, bytes = tonumber(bytes), chunks = tonumber(chunks), is_idle = is_idle }
end

-- The bytes of all growing messages, and how many they are.
local function totals(texts)
  local bytes, count = string.match(redis.call('HGET', texts, '\1') or '0 0', '(%d+) (%d+)')
  return tonumber(bytes), tonumber(count)
end

local function add(texts, bytes, count)
  local all, number = totals(texts)
  if number + count == 0 then return redis.call('DEL', texts) end
  redis.call('HSET', texts, '\1', text(all + bytes) .. ' ' .. number + count)
end

local function forget(texts, id, known)
  redis.call('HDEL', texts, id)
  for chunk = 1, known.chunks do redis.call('HDEL', texts, id .. '\1' .. chunk) end
  add(texts, -known.bytes, -1)
end

local function forget_idle(texts)
  for _, id in ipairs(redis.call('HKEYS', texts)) do
    local known = not string.find(id, '\1', 1, true) and growing(texts, id)
    if known and known.is_idle then forget(texts, id, known) end
  end
end

local function append(texts, id, known, piece, offset)
  local chunk = math.max(known.chunks, 1)
  local last = redis.call('HGET', texts, id .. '\1' .. chunk) or ''
  if #last > 0 and #last + #piece > chunk_bytes then chunk, last = chunk + 1, '' end
  redis.call('HSET', texts, id .. '\1' .. chunk, last .. piece)
  redis.call('HSET', texts, id, now() .. ' ' .. offset .. ' ' .. text(known.bytes + #piece) .. ' ' .. chunk)
  add(texts, #piece, known.chunks == 0 and 1 or 0)
  redis.call('EXPIRE', texts, idle_seconds)
end

-- Publishes a piece of a growing message; all growing messages of a channel have at most so many bytes.
--
-- An attribute says how many bytes were there before, so that a node knows whether it has them.
local function grow(channel, payload, size, seconds, command, attributes, id, ends, max_bytes)
  local texts = KEYS[2]
  local bytes, count = totals(texts)
  local known = growing(texts, id)
  if known and known.is_idle or bytes + #payload > tonumber(max_bytes) or count >= most_growing then
    forget_idle(texts)
    bytes, count = totals(texts)
    known = growing(texts, id)
  end
  if bytes + #payload > tonumber(max_bytes) then
    return redis.error_reply('GROWTH the growing messages of the channel would have ' .. text(bytes + #payload) ..
      ' bytes, ' .. max_bytes .. ' are allowed (--max-publish)')
  elseif not known and count >= most_growing then
    return redis.error_reply('GROWTH ' .. most_growing .. ' messages of the channel grow already; end one of them (end=1)')
  end
  attributes = 'b' .. text(known and known.bytes or 0) .. '\n' .. attributes
  local place = publish(channel, payload, size, seconds, command, '', attributes)
  if ends ~= '1' then
    append(texts, id, known or { bytes = 0, chunks = 0 }, payload, string.match(place, ':(%d+)'))
  elseif known then
    forget(texts, id, known)
  end
  return place
end

-- Name, offset of the last piece, and text so far of each growing message.
local function texts_so_far(texts)
  local answer = {}
  local names = texts and redis.pcall('HKEYS', texts) or {}
  if names.err then return answer end
  for _, id in ipairs(names) do
    local known = not string.find(id, '\1', 1, true) and growing(texts, id)
    if known and not known.is_idle then
      local chunks = {}
      for chunk = 1, known.chunks do chunks[chunk] = redis.call('HGET', texts, id .. '\1' .. chunk) end
      answer[#answer + 1] = id
      answer[#answer + 1] = known.offset
      answer[#answer + 1] = table.concat(chunks)
    end
  end
  return answer
end

-- Publishes a message without a number.
local function say(channel, message, command)
  redis.call(command, channel, message)
  return ''
end

-- Begins another epoch with the same messages: the numbers of the old one were given to other messages, which Redis
-- has lost.
local function renew(channel)
  local entries = redis.call('XRANGE', channel, '-', '+')
  local epoch = now()
  redis.call('DEL', channel)
  if #entries == 0 then redis.call('XADD', channel, 'MAXLEN', 0, epoch .. '-0', 't', epoch) end
  for i, entry in ipairs(entries) do redis.call('XADD', channel, epoch .. '-' .. i, unpack(entry[2])) end
  return epoch, #entries
end

-- Reads what came after a message that a node has, or the last messages. The time of that message, if it is not 0,
-- shows whether it is still the one with that number.
--
-- Returns epoch, last offset, the time now, whether there is more, for each message offset, time, key, payload and
-- attributes, and with the last part what the growing messages have so far.
local function read(channel, known_epoch, known_offset, known_time, size, seconds, max_bytes)
  local epoch, last = place(channel)
  if not epoch then
    epoch, last = now(), 0
    redis.call('XADD', channel, 'MAXLEN', 0, epoch .. '-0', 't', epoch)
  end
  known_offset = tonumber(known_offset)
  if epoch == known_epoch and known_offset > 0 then
    local id = epoch .. '-' .. text(known_offset)
    local entry = redis.call('XRANGE', channel, id, id)[1]
    if last < known_offset or entry and known_time ~= '0' and entry[2][2] ~= known_time then
      epoch, last = renew(channel)
    end
  end
  keep(channel, seconds)
  local first = epoch == known_epoch and known_offset or math.max(last - tonumber(size), 0)
  local entries, bytes, more = {}, 0, '0'
  local from = first + 1
  while from <= last and more == '0' do
    local part = redis.call('XRANGE', channel, epoch .. '-' .. text(from), '+', 'COUNT', 100)
    for _, entry in ipairs(part) do
      if bytes > tonumber(max_bytes) then
        more = '1'
        break
      end
      local offset = string.match(entry[1], '-(%d+)')
      entries[#entries + 1] = offset
      entries[#entries + 1] = entry[2][2]
      entries[#entries + 1] = entry[2][4]
      entries[#entries + 1] = entry[2][6]
      entries[#entries + 1] = entry[2][8] or ''
      bytes = bytes + #entry[2][6]
      from = tonumber(offset) + 1
    end
    if #part < 100 then break end
  end
  return { epoch, text(last), now(), more, entries, more == '0' and texts_so_far(KEYS[2]) or {} }
end

-- Drops the messages; the numbers go on.
local function clear(channel, seconds, command)
  local epoch, last = place(channel)
  if not epoch then return false end
  redis.call('XTRIM', channel, 'MAXLEN', 0)
  keep(channel, seconds)
  redis.call(command, channel, envelope('c', epoch, last, now(), '', ''))
  return epoch .. ':' .. text(last)
end

local commands = { publish = publish, grow = grow, say = say, read = read, clear = clear }
-- Pieces and reads have the key of the growing messages before that of the id.
local takes_texts = ARGV[1] == 'grow' or ARGV[1] == 'read'
local note = KEYS[takes_texts and 3 or 2]
if note and redis.call('EXISTS', note) == 1 then return '' end
local answer = commands[ARGV[1]](KEYS[1], unpack(ARGV, 2))
if note and not (type(answer) == 'table' and answer.err) then redis.call('SET', note, '', 'EX', 300) end
return answer
