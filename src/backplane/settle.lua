-- SPDX-License-Identifier: MIT
--
-- settle.lua - what replication lost comes back, in its old order.
--
-- The same chunk as parley.lua, behind it: its local functions can be called here.
--
-- After a failover the logs of a partition may lack their newest entries. Before anything new is
-- appended the nodes offer what they wrote, each entry with the id that it had; when all that are
-- expected have done so, or the time is up, one of them has the offers appended in the order of
-- those ids. So a node that had read some of the entries and one that had not see one order. They
-- get new ids; who had read the log reads it again (follower.c).
--
-- What is true in every moment, so that no failover into the midst of it can do harm: of each node
-- the logs and the offers hold all batches up to its +, each once, and in each log the entries of
-- a node stand in the order of their numbers, the offered ones behind the appended ones.
--
--   settle  hash: from, until -> when it may end at the earliest, and when the time is up (ms);
--           left -> how many nodes are waited for;
--           by, by_until -> who appends, and until when it is given time to do so;
--           -<node> -> 1 for each of them that are waited for;
--           +<node> -> number of the last batch of that node that is stored or offered;
--           ?<log> <node> -> "<seq> <place>": the newest entry of that node that anybody saw;
--           ><log> <node> -> the last place that was given to an entry of that node;
--           ~<log> <node> -> 1: there are entries of that node behind it that have no place;
--           =<node> <seq> <log> -> the id that the entry got
--   offers  sorted set, by its text: "<place> <seq in hex> <packed offer>". A place is the old id
--           in hex; of an entry whose place nobody knows x: it stands behind all others

-- luacheck: read globals append apply_ops call_with history_length is_fenced is_settling
-- luacheck: read globals now_ms register write_hash

local SETTLE_TTL_S = 600 -- what is left of a settlement that nobody ends
local SETTLE_IDS_S = 60 -- how long the writers may ask for the ids
local SETTLE_STEP = 64 -- entries appended at once
local NO_PLACE = 'x' -- sorts behind every hexadecimal digit
local SETTLE_BY_MS = 500 -- who appends and is not heard of for so long is followed by another

-- Begin a settlement unless one is under way. Returns the era and whether it is being settled.
local function join_settlement(w, settle, offers, known, wait_ms, least_ms)
    local C = redis.call
    local era = C('HGET', w, '~') or '0'
    if is_settling(era) then
        return era, true
    elseif tonumber(era) > tonumber(known) then
        return era, false -- one that the node did not take part in is over
    end
    era = string.format('-%d', math.max(tonumber(era), tonumber(known)) + 1)
    C('HSET', w, '~', era)
    C('DEL', settle, offers)
    C('HSET', settle, 'from', string.format('%d', now_ms() + tonumber(least_ms)),
        'until', string.format('%d', now_ms() + tonumber(wait_ms)), 'left', '0')
    C('EXPIRE', settle, SETTLE_TTL_S)
    return era, true
end

-- A[a...] = (log writer seq place) * count: what the node saw last of each writer. A writer that
-- was seen may have something to offer: it is waited for.
local function note_seen(w, settle, me, A, a, count)
    local C = redis.call
    for i = a, a + 4 * (count - 1), 4 do
        local field, writer = '?' .. A[i] .. ' ' .. A[i + 1], A[i + 1]
        local seen = C('HGET', settle, field)
        if not seen or tonumber(string.match(seen, '^%d+')) < tonumber(A[i + 2]) then
            C('HSET', settle, field, A[i + 2] .. ' ' .. A[i + 3])
        end
        if writer ~= me and C('HEXISTS', settle, '+' .. writer) == 0
            and not is_fenced(C('HGET', w, writer) or '0')
            and C('HSETNX', settle, '-' .. writer, '1') == 1 then
            C('HINCRBY', settle, 'left', 1)
        end
    end
end

-- The place of the next entry of a node in a log: the one that is asked for, unless it contradicts
-- the order in which the node wrote. Then it stands right behind the one before.
local function next_place(settle, stream, place)
    local C = redis.call
    local found = C('HMGET', settle, '>' .. stream, '~' .. stream)
    if place == NO_PLACE or found[2] then
        C('HSET', settle, '~' .. stream, '1')
        return NO_PLACE
    elseif found[1] and found[1] > place then
        return found[1]
    end
    C('HSET', settle, '>' .. stream, place)
    return place
end

local function put_offer(settle, offers, place, it)
    place = next_place(settle, it[1] .. ' ' .. it[2], place)
    local seq = string.format(' %016x ', tonumber(it[3])) -- places may be the same
    redis.call('ZADD', offers, 0, place .. seq .. cmsgpack.pack(it))
end

-- A[a...] = (place log seq entry nops (op field value)*nops) * count
local function note_offers(settle, offers, me, A, a, count)
    for _ = 1, count do
        local ops = 3 * tonumber(A[a + 4])
        local it = { A[a + 1], me, A[a + 2], A[a + 3] }
        for i = 1, ops do
            it[4 + i] = A[a + 4 + i]
        end
        put_offer(settle, offers, A[a], it)
        a = a + 5 + ops
    end
    redis.call('EXPIRE', offers, SETTLE_TTL_S)
end

-- The node's batches up to number `upto` are stored or offered; more: there are others to come.
local function note_upto(settle, me, upto, more)
    local C = redis.call
    C('HSET', settle, '+' .. me, upto)
    if more == '1' then
        C('HINCRBY', settle, 'left', C('HSETNX', settle, '-' .. me, '1'))
    else
        C('HINCRBY', settle, 'left', string.format('%d', -C('HDEL', settle, '-' .. me)))
    end
end

local function unpack_offer(member)
    local at = string.find(member, ' ', 1, true) + 18 -- the second blank
    return cmsgpack.unpack(string.sub(member, at))
end

-- Entries whose writer does not know their place, but somebody who saw them, or a later one of
-- that writer in that log.
local function place_offers(settle, offers)
    local C = redis.call
    for _, member in ipairs(C('ZRANGEBYLEX', offers, '[' .. NO_PLACE, '+')) do
        local offer = unpack_offer(member)
        local stream = offer[1] .. ' ' .. offer[2]
        local seen = C('HGET', settle, '?' .. stream)
        local seq, place = string.match(seen or '', '^(%d+) (%x+)$')
        if seq and tonumber(offer[3]) <= tonumber(seq) then
            C('HDEL', settle, '~' .. stream)
            C('ZREM', offers, member)
            put_offer(settle, offers, place, offer)
        else
            C('HSET', settle, '~' .. stream, '1')
        end
    end
end

-- [status, era, last, (log writer)*]: the entries to append next, or DONE.
local function next_offers(offers, status, era, last)
    local answer = { status, era, last }
    for _, member in ipairs(redis.call('ZRANGE', offers, 0, SETTLE_STEP - 1)) do
        local offer = unpack_offer(member)
        answer[#answer + 1] = offer[1]
        answer[#answer + 1] = offer[2]
    end
    return answer
end

-- Whether all are there or the time is up, and nobody else is at it.
local function may_append(settle, me)
    local found = redis.call('HMGET', settle, 'left', 'until', 'by', 'by_until', 'from')
    local now = now_ms()
    if now < tonumber(found[5] or '0') then
        return false
    elseif found[1] ~= '0' and now < tonumber(found[2] or '0') then
        return false
    elseif found[3] and found[3] ~= me and now < tonumber(found[4]) then
        return false
    end
    redis.call('HSET', settle, 'by', me, 'by_until', string.format('%d', now + SETTLE_BY_MS))
    return true
end

-- K: w settle offers
-- A: node era base wait_ms least_ms upto more(0|1) nseen noffers  (log writer seq place)*nseen
--    (place log seq entry nops (op field value)*nops)*noffers
-- era: as the node knows it; base: '' at first, then the number up to which its batches are here,
-- as it was told or offered them; upto: the same with those of this request.
-- Returns [status, era, last, ...], last being the number of the node's last batch in the books:
--   DONE    the era is settled, whether with this node's offers or without
--   WAIT    [..., have]: for other nodes, or for the node's batches behind number `have`; ask again
--   READY   [..., (log writer)*]: the first entries that settle() is to append
--   ANEW    what is here of the node is not what it thinks: it is to begin with base '' again
--   FENCED  the node was declared dead
local function offer(K, A)
    local C = redis.call
    local w, settle, offers = K[1], K[2], K[3]
    local me, base, upto, nseen = A[1], A[3], A[6], tonumber(A[8])
    local last = C('HGET', w, me) or '0'
    if is_fenced(last) then
        return { 'FENCED', '', last }
    end
    local era, open = join_settlement(w, settle, offers, A[2], A[4], A[5])
    local have = C('HGET', settle, '+' .. me) or last
    if not open then
        return { 'DONE', era, last }
    elseif base == '' then
        upto = have
    elseif base ~= have then
        return { 'ANEW', era, last }
    end
    note_seen(w, settle, me, A, 10, nseen)
    note_offers(settle, offers, me, A, 10 + 4 * nseen, tonumber(A[9]))
    note_upto(settle, me, upto, A[7])
    if A[7] == '1' or not may_append(settle, me) then
        return { 'WAIT', era, last, upto }
    end
    place_offers(settle, offers)
    return next_offers(offers, 'READY', era, last)
end

-- Append one offer. K[k...] = log m s in:<writer>.
local function settle_offer(K, k, A, member, w, rooms, settle)
    local C = redis.call
    local it = unpack_offer(member)
    local log_key, log, index, inside = K[k], it[1], {}, {}
    local id = append(log_key, C('HGET', w, log_key), history_length(A[3]), it[4])
    C('HSET', w, log_key, id)
    C('HSET', settle, '=' .. it[2] .. ' ' .. it[3] .. ' ' .. log, id)
    if #it > 4 then
        apply_ops({ log_key, K[k + 1], K[k + 2] }, log, it, 5, (#it - 4) / 3, A[4],
            index, inside)
        write_hash(rooms, index)
        write_hash(K[k + 3], inside)
    end
end

-- All is appended: what was offered is stored. The nodes read the ids of their entries from
-- `settle` themselves.
local function end_settlement(w, settle, offers, era)
    local C = redis.call
    local all, set = C('HGETALL', settle), { '~', string.sub(era, 2) }
    for i = 1, #all, 2 do
        local node = string.match(all[i], '^%+(.*)')
        local last = node and (C('HGET', w, node) or '0')
        if node and last ~= all[i + 1] and not is_fenced(last) then
            for _, word in ipairs({ node, all[i + 1], 'i' .. node, '' }) do
                set[#set + 1] = word
            end
        end
    end
    call_with('HSET', w, set)
    C('DEL', offers)
    C('EXPIRE', settle, SETTLE_IDS_S)
end

local function has_end(text, tail)
    return string.sub(text, -#tail) == tail
end

-- K: w settle offers rooms (log m s in:<writer>)*  A: node era maxlen ttl_s epoch-candidate
-- Appends the first entries that were offered, provided that the keys are theirs. Returns as
-- offer() does: READY with the next ones, or DONE.
local function settle(K, A)
    local C = redis.call
    local w, settle_key, offers, era = K[1], K[2], K[3], A[2]
    local now = C('HGET', w, '~') or '0'
    if now ~= era then
        return { is_settling(now) and 'WAIT' or 'DONE', now, C('HGET', w, A[1]) or '0' }
    end
    C('HSETNX', w, '@', A[5])
    for k = 5, #K, 4 do
        local member = C('ZRANGE', offers, 0, 0)[1]
        local first = member and unpack_offer(member)
        if not first or not has_end(K[k], '}:l:' .. first[1])
            or not has_end(K[k + 3], '}:in:' .. first[2]) then
            break
        end
        settle_offer(K, k, A, member, w, K[4], settle_key)
        C('ZREM', offers, member)
    end
    if C('EXISTS', offers) == 1 then
        may_append(settle_key, A[1])
        return next_offers(offers, 'READY', era, '')
    end
    end_settlement(w, settle_key, offers, era)
    return { 'DONE', string.sub(era, 2), C('HGET', w, A[1]) or '0' }
end

register({
    { name = 'offer', callback = offer },
    { name = 'settle', callback = settle },
})
