-- SPDX-License-Identifier: MIT
--
-- parley.lua - what Redis does for the nodes: append to the logs, publish, keep the books.
--
-- The loader puts a first line in front of this text that names the library and gives `lib`,
-- its name ("parley1"), and settle.lua behind it; every function is called <lib>_<function>.
-- K is KEYS, A is ARGV.
--
-- Keys of a partition, all in one slot:
--   w          hash: <node> -> number of its last batch, an X before it = fenced; i<node> -> the
--              ids that batch got, or when the node was fenced, as an id; <log key> -> last id of
--              that log; @ -> epoch of the data; ~ -> era: how often the partition was settled,
--              a - before it = being settled
--   <log key>  stream of entries, one field d; its name is also the channel of its frames
--   m, s       hashes of one room: members (member id -> value), state (name, topic, ...)
--   rooms      hash: <log> -> "<members> <name>\n<topic>", only rooms that have members
--   in:<node>  hash: <log> -> 1 for every log in which the node has members
--   settle     hash, offers sorted set: a settlement under way, see there
--
-- A script is not rolled back when it fails, so whatever can refuse stands before the first
-- write. redis.call is not reachable while a library loads: functions take it themselves.
--
-- luacheck: read globals lib

local MAXLEN_MIN = 64 -- followers fill gaps from the log: it is never shorter than this
local LOGS_MAX = 128 -- in one section; each costs one argument of unpack()
local SLICE = 1000 -- arguments of one unpack(), even: Lua's stack holds 8,000

-- command(key, list...) in as many calls as unpack() needs, none for an empty list; returns
-- the sum of their replies.
local function call_with(command, key, list)
    local sum = 0
    for first = 1, #list, SLICE do
        local last = math.min(first + SLICE - 1, #list)
        sum = sum + redis.call(command, key, unpack(list, first, last))
    end
    return sum
end

local function now_ms()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Append `entry` to the log and publish the frame "prev id entry"; returns the id. `prev` is
-- the log's last id so far, false if there is none.
local function append(log, prev, maxlen, entry)
    local C = redis.call
    local id = C('XADD', log, 'MAXLEN', '~', maxlen, '*', 'd', entry)
    C('SPUBLISH', log, (prev or '0-0') .. ' ' .. id .. ' ' .. entry)
    return id
end

-- A text, as redis.call would format a number anew each time.
local function history_length(arg)
    return tonumber(arg) < MAXLEN_MIN and tostring(MAXLEN_MIN) or arg
end

-- ---- apply: batches of one node, one section per partition ----------------------------------

-- The changes that the ops of one room come to, the last op of a field counting.
-- In: A[at...] = (op field value) * count. Out: {members, state, inits}, each field -> value,
-- false = delete; and whether somebody joined.
local function read_ops(A, at, count)
    local members, state, inits, joins = {}, {}, {}, false
    for i = at, at + 3 * (count - 1), 3 do
        local op, field, value = A[i], A[i + 1], A[i + 2]
        if op == 'S' then
            members[field], joins = value, true
        elseif op == 'D' then
            members[field] = false
        elseif op == 's' then
            state[field] = value
        elseif op == 'd' then
            state[field] = false
        elseif op ~= 'i' then
            error('unknown op')
        elseif state[field] == false then
            state[field] = value
        elseif state[field] == nil and inits[field] == nil then
            inits[field] = value
        end
    end
    return { members = members, state = state, inits = inits }, joins
end

-- Field -> value becomes the list for HSET, field -> false the list for HDEL.
local function write_hash(key, changes)
    local set, del = {}, {}
    for field, value in pairs(changes) do
        if value then
            set[#set + 1] = field
            set[#set + 1] = value
        else
            del[#del + 1] = field
        end
    end
    return call_with('HSET', key, set), call_with('HDEL', key, del)
end

-- Change the state of a room. Returns what the index shows of it: name (or false), topic.
local function write_state(key, state, inits)
    local wanted = { 'name', 'topic' }
    for field in pairs(inits) do
        wanted[#wanted + 1] = field
    end
    local found = redis.call('HMGET', key, unpack(wanted))
    for i = 3, #wanted do
        local field = wanted[i]
        if state[field] == nil and not found[i] then
            state[field] = inits[field]
        end
    end
    write_hash(key, state)
    local name, topic = state.name, state.topic
    if name == nil then
        name = found[1]
    end
    if topic == nil then
        topic = found[2]
    end
    return name, topic or ''
end

-- The room's members or state may have changed: put it into the index while it has members,
-- let its log and state expire when it has none. `index` collects the changes of `rooms`.
local function touch(index, log, log_key, state_key, room, ttl)
    local C = redis.call
    if room.members > 0 then
        index[log] = room.members .. ' ' .. (room.name or log) .. '\n' .. room.topic
        if room.was_empty then
            C('PERSIST', log_key)
            C('PERSIST', state_key)
        end
    else
        index[log] = false
        C('EXPIRE', log_key, ttl)
        C('EXPIRE', state_key, ttl)
    end
end

-- Carry out the ops A[a...] = (op field value) * count of one room; `keys` = its log, members
-- and state. `index` and `inside` collect the changes of `rooms` and of in:<node>.
local function apply_ops(keys, log, A, a, count, ttl, index, inside)
    local ops, joins = read_ops(A, a, count)
    local name, topic = write_state(keys[3], ops.state, ops.inits)
    local added, removed = write_hash(keys[2], ops.members)
    local members = redis.call('HLEN', keys[2])
    local was_empty = members - added + removed == 0
    touch(index, log, keys[1], keys[3],
        { members = members, was_empty = was_empty, name = name, topic = topic }, ttl)
    if joins then
        inside[log] = '1'
    end
end

-- A section begins at K[k] and A[a], as is told above apply(); R is the number of its logs.
-- Most only say something in a few of them: there each table counts, and each number that is made
-- of a text.

-- Returns where the next section begins, k and a, and R.
local function read_section(A, k, a)
    local R, U, D = A[a + 3] + 0, A[a + 4], A[a + 5] -- a third of what tonumber() costs
    if R > LOGS_MAX then
        error('too many logs in a section')
    end
    k, a = k + 3 + R, a + 6 + R
    if U ~= '0' or D ~= '0' then
        for _ = 1, tonumber(U) do
            k, a = k + 2, a + 3 + 3 * tonumber(A[a + 2])
        end
        a = a + tonumber(D)
    end
    return k, a, R
end

-- Carry out the ops of the touched rooms, and the drops.
local function apply_rooms(K, A, k, a, R)
    local index, inside = {}, {}
    local m, at = k + 3 + R, a + 6 + R
    for _ = 1, tonumber(A[a + 4]) do
        local keys = { K[k + 2 + tonumber(A[at])], K[m], K[m + 1] }
        local count = tonumber(A[at + 2])
        apply_ops(keys, A[at + 1], A, at + 3, count, A[4], index, inside)
        m, at = m + 2, at + 3 + 3 * count
    end
    for _ = 1, tonumber(A[a + 5]) do
        inside[A[at]] = false
        at = at + 1
    end
    write_hash(K[k + 1], index)
    write_hash(K[k + 2], inside)
end

-- Append the entries and move the books. `books` = HMGET w <node> @ ~ <log>*R.
-- Returns the ids, joined by blanks.
local function apply_entries(K, A, k, a, R, books)
    local me, maxlen = A[1], A[3]
    local set, ids = { me, A[a + 2], 'i' .. me, '' }, ''
    if not books[2] then
        set[5], set[6] = '@', A[2]
    end
    for r = 1, R do
        local log, n = K[k + 2 + r], #set
        local id = append(log, books[3 + r], maxlen, A[a + 5 + r])
        set[n + 1], set[n + 2] = log, id
        ids = r == 1 and id or ids .. ' ' .. id
    end
    set[4] = ids
    redis.call('HSET', K[k], unpack(set))
    return ids
end

local function is_fenced(last)
    return string.sub(last, 1, 1) == 'X'
end

local function is_settling(era)
    return string.sub(era, 1, 1) == '-'
end

-- Why a section is not taken, whose node knows the era `known` and its last number `prev`: status
-- and text; or nothing. What a node knows has no sign in front.
local function refusal(known, prev, era, last)
    if last == prev and era == known then
        return nil
    elseif is_fenced(last) then
        return 'FENCED', last
    elseif is_settling(era) or (known ~= '' and known ~= era) then
        return 'ERA', era
    elseif last ~= prev then
        return 'GAP', last
    end
end

-- Returns [status, text, epoch, era].
local function apply_section(K, A, k, a, R)
    local C = redis.call
    local w, me = K[k], A[1]
    local books = C('HMGET', w, me, '@', '~', unpack(K, k + 3, k + 2 + R))
    local last, epoch, era = books[1] or '0', books[2] or '', books[3] or '0'
    if last == A[a + 2] then
        return { 'DUP', C('HGET', w, 'i' .. me) or '', epoch, era }
    end
    local status, text = refusal(A[a], A[a + 1], era, last)
    if status then
        return { status, text, epoch, era }
    end
    local ids = apply_entries(K, A, k, a, R, books)
    if A[a + 4] ~= '0' or A[a + 5] ~= '0' then
        apply_rooms(K, A, k, a, R)
    end
    return { 'OK', ids, books[2] or A[2], era }
end

-- K: per section: w rooms in:<node> log*R (m s)*U
-- A: node epoch-candidate maxlen ttl_s sections, then per section:
--    era prevseq seq R U D  entry*R  (r log nops (op field value)*nops)*U  log*D
-- era: that of the partition as the node knows it, '' if it does not; r is the room's place
-- among the section's logs; ops: S/D set/delete a member, s/d/i
-- set/delete/initialise a field of the state; the D logs at the end leave in:<node>.
-- Returns per section [status, text, epoch, era]:
--   OK      "id id ..." of the new entries; a partition without epoch takes the candidate
--   DUP     "id id ...": the batch `seq` was applied before
--   GAP     last number applied ("0" if none): nothing was done
--   ERA     the era: the node is to take part in a settlement first; nothing was done
--   FENCED  "X" and the last number applied: the node was declared dead; nothing was done
local function apply(K, A)
    local replies, sections = {}, tonumber(A[5])
    local k, a = 1, 6
    for _ = 1, sections do
        k, a = read_section(A, k, a)
    end
    if k ~= #K + 1 or a ~= #A + 1 then
        error('keys or arguments do not add up')
    end
    A[3] = history_length(A[3])
    k, a = 1, 6
    for i = 1, sections do
        local next_k, next_a, R = read_section(A, k, a)
        replies[i] = apply_section(K, A, k, a, R)
        k, a = next_k, next_a
    end
    return replies
end

-- ---- snap: what a node needs to begin a copy of a room --------------------------------------

-- K: w log m s  A: count
-- Returns [epoch, last id or "0-0", the last `count` entries newest first, members, state].
local function snap(K, A)
    local C = redis.call
    local books = C('HMGET', K[1], '@', K[2])
    local entries = {}
    if tonumber(A[1]) > 0 then
        entries = C('XREVRANGE', K[2], '+', '-', 'COUNT', A[1])
    end
    return { books[1] or '', books[2] or '0-0', entries, C('HGETALL', K[3]), C('HGETALL', K[4]) }
end

-- ---- fence, reap: a node is dead -------------------------------------------------------------

-- Note that the node is fenced since now.
local function note_fenced(w, node, number)
    redis.call('HSET', w, node, number, 'i' .. node, string.format('%d-0', now_ms()))
end

-- K: w  A: node. From now on its batches are refused in this partition; the number of the last
-- one stays, so that a node that wakes up learns what became of a batch under way.
-- Returns "OK".
local function fence(K, A)
    local last = redis.call('HGET', K[1], A[1]) or '0'
    if not is_fenced(last) then
        note_fenced(K[1], A[1], 'X' .. last)
    end
    return 'OK'
end

-- The last step of reap: tell the room and set its books right. The node's note in:<dead>
-- stays until this call, so that a reaper that takes over from one that died tells the room
-- even though it finds nothing left to remove. A node that ended in peace leaves notes of rooms
-- where nobody of it is left: nothing is told there.
local function finish_reap(K, A, removed)
    local C = redis.call
    local w, rooms, log_key, member_key, state_key, in_key = unpack(K)
    local log = string.match(log_key, '}:l:(.*)$')
    local was_noted = C('HDEL', in_key, log) == 1
    if removed == 0 and (not was_noted or A[8] == '1') then
        return
    end
    local id = append(log_key, C('HGET', w, log_key), history_length(A[3]), A[2])
    C('HSET', w, log_key, id)
    local shown, index = C('HMGET', state_key, 'name', 'topic'), {}
    touch(index, log, log_key, state_key, {
        members = C('HLEN', member_key), name = shown[1], topic = shown[2] or '',
    }, A[4])
    write_hash(rooms, index)
end

-- K: w rooms log m s in:<dead>  A: dead entry maxlen ttl_s cursor count removed peace(0|1)
-- One HSCAN step over the members: removes those of the dead node. `removed` is what the steps
-- before removed in all. When the cursor comes round the entry is appended; if the node ended in
-- peace, as far as is known, only if somebody was removed.
-- Returns [cursor, removed in all]; cursor "0": done. An error while the partition is being
-- settled: the entry is to stand behind what comes back.
local function reap(K, A)
    local C = redis.call
    if is_settling(C('HGET', K[1], '~') or '0') then
        return redis.error_reply('TRYAGAIN the partition is being settled')
    end
    local prefix, gone = A[1] .. '/', {}
    local step = C('HSCAN', K[4], A[5], 'COUNT', A[6])
    for i = 1, #step[2], 2 do
        local field = step[2][i]
        if string.sub(field, 1, #prefix) == prefix then
            gone[#gone + 1] = field
        end
    end
    local removed = tonumber(A[7]) + call_with('HDEL', K[4], gone)
    if step[1] == '0' then
        finish_reap(K, A, removed)
    end
    return { step[1], removed }
end

-- ---- claim, release: names -------------------------------------------------------------------

-- K: n:<nick> nk:<node>  A: nick owner record ttl_s expected; ttl_s 0: the name does not expire
-- Granted if the name is free, own already, or held by `expected` ('' = nobody).
-- Returns [1, owner] or [0, holder].
local function claim(K, A)
    local C = redis.call
    local nick, owner, expected = A[1], A[2], A[5]
    local holder = C('HGET', K[1], 'o')
    if holder and holder ~= owner and holder ~= expected then
        return { 0, holder }
    end
    C('HSET', K[1], 'o', owner, 'd', A[3])
    if A[4] ~= '0' then
        C('EXPIRE', K[1], A[4])
    end
    C('HSET', K[2], nick, owner)
    return { 1, owner }
end

-- K: n:<nick> nk:<node>  A: nick owner
-- Deletes the name only if it is still the owner's; the node's note of it always. Returns 1 or 0.
local function release(K, A)
    local C = redis.call
    C('HDEL', K[2], A[1])
    if C('HGET', K[1], 'o') ~= A[2] then
        return 0
    end
    return C('DEL', K[1])
end

-- ---- beat, config ----------------------------------------------------------------------------

-- K: lease nodes cfg  A: node ttl_ms info register(0|1)
-- Renews the node's lease. Returns [OK, epoch], or [GONE, epoch] when the node is not (or no
-- longer) among the nodes and did not ask to be registered. epoch: '' when cfg is gone.
local function beat(K, A)
    local C = redis.call
    local node, info = A[1], A[3]
    local epoch = C('HGET', K[3], 'epoch') or ''
    if A[4] == '1' then
        C('HSETNX', K[2], node, info)
    elseif C('HEXISTS', K[2], node) == 0 then
        return { 'GONE', epoch }
    end
    C('SET', K[1], info, 'PX', A[2])
    return { 'OK', epoch }
end

-- K: cfg  A: partitions schema epoch-candidate
-- Creates cfg if it is absent. Returns [partitions, schema, epoch] as they stand.
local function config(K, A)
    local C = redis.call
    if C('EXISTS', K[1]) == 0 then
        C('HSET', K[1], 'partitions', A[1], 'schema', A[2], 'epoch', A[3])
    end
    local found = C('HMGET', K[1], 'partitions', 'schema', 'epoch')
    return { found[1] or '', found[2] or '', found[3] or '' }
end

-- ---- forget: what the books need no more -----------------------------------------------------

-- Whether an id (or what somebody wrote there) is of a time before `ms`.
local function is_before(id, ms)
    return (tonumber(string.match(id, '^%d+')) or 0) < ms
end

-- Nobody who has read the log up to its last id may find it without one: to him the next entry
-- would be the edge of a hole. Whoever follows a log is subscribed to its channel before he reads
-- it, and whoever lost his connection is back within the hour, or has nobody in the room.
local function is_log_forgettable(w, log, members, before)
    local C = redis.call
    local id = C('HGET', w, log)
    return id and is_before(id, before) and C('EXISTS', log, members) == 0
        and C('PUBSUB', 'SHARDNUMSUB', log)[2] == 0
end

-- A node that was fenced so long ago does not wake any more.
local function is_node_forgettable(w, node, before)
    local books = redis.call('HMGET', w, node, 'i' .. node)
    if not books[1] or not is_fenced(books[1]) then
        return false
    elseif not books[2] then
        note_fenced(w, node, books[1])
        return false
    end
    return is_before(books[2], before)
end

-- K: w (log m)*  A: age_ms node*
-- Drops the last ids of those logs that are gone, with all members and readers, and got their
-- last entry at least that long ago; and the numbers of those nodes that were fenced so long ago.
-- Not while the partition is being settled. Returns how many logs and nodes it dropped.
local function forget(K, A)
    local w, gone = K[1], {}
    local before = now_ms() - tonumber(A[1])
    if is_settling(redis.call('HGET', w, '~') or '0') then
        return 0
    end
    for k = 2, #K, 2 do
        if is_log_forgettable(w, K[k], K[k + 1], before) then
            gone[#gone + 1] = K[k]
        end
    end
    local dropped = #gone
    for a = 2, #A do
        if is_node_forgettable(w, A[a], before) then
            gone[#gone + 1] = A[a]
            gone[#gone + 1] = 'i' .. A[a]
            dropped = dropped + 1
        end
    end
    call_with('HDEL', w, gone)
    return dropped
end

local function register(functions)
    for i = 1, #functions do -- ipairs is as unreachable here as redis.call
        local f = functions[i]
        redis.register_function({
            function_name = lib .. '_' .. f.name, callback = f.callback, flags = f.flags or {},
        })
    end
end

-- What only frees memory or keeps leases alive is allowed when Redis is out of memory.
register({
    { name = 'apply', callback = apply },
    { name = 'snap', callback = snap, flags = { 'no-writes' } },
    { name = 'fence', callback = fence, flags = { 'allow-oom' } },
    { name = 'reap', callback = reap, flags = { 'allow-oom' } },
    { name = 'claim', callback = claim },
    { name = 'release', callback = release, flags = { 'allow-oom' } },
    { name = 'beat', callback = beat, flags = { 'allow-oom' } },
    { name = 'config', callback = config },
    { name = 'forget', callback = forget, flags = { 'allow-oom' } },
})
