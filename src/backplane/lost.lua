-- SPDX-License-Identifier: MIT
--
-- lost.lua - what nobody can bring back is told in the room.
--
-- The same chunk as parley.lua, behind it.
--
-- A node that is fenced brings nothing back. What of it somebody saw and the books do not know
-- is lost: those who saw it tell how much that is, and after a moment in which all of them can do
-- so one entry is appended that says it.
--
--   lost  hash: <node> <log key> -> "<ms> <seq> <lines>": since when it is told of, and what the one
--         told who saw most; "told": the room knows

-- luacheck: read globals append history_length is_fenced is_settling now_ms
-- luacheck: read globals register

local LOST_TTL_S = 600

-- The note with what another one saw. Of two who saw as much one may not be able to count it.
local function merge_note(note, now, seq, lines)
    local since, most, count = string.match(note or '', '^(%d+) (%d+) (%d+)$')
    if not since then
        return now, seq, lines
    end
    since, most, count = tonumber(since), tonumber(most), tonumber(count)
    if seq > most or (seq == most and lines > count) then
        return since, seq, lines
    end
    return since, most, count
end

-- K: w log lost  A: node seq lines maxlen wait_ms
-- seq: of the node's last entry that the asker saw in this log; lines: how many are lost with what
-- is behind the last one that is stored, 0: not known; wait_ms: how long others may add to it.
-- Returns [status, lines]:
--   WAIT  the node may still bring it back, or others may have seen more: ask again
--   NONE  nothing is lost that the room is to be told, or it knows
--   TOLD  it was told now
local function lost(K, A)
    local C = redis.call
    local w, log, seq, field = K[1], K[2], tonumber(A[2]), A[1] .. ' ' .. K[2]
    local books = C('HMGET', w, A[1], log, '~')
    local last = books[1] or ''
    if not is_fenced(last) or is_settling(books[3] or '0') then
        return { 'WAIT', '0' }
    end
    local note = C('HGET', K[3], field)
    if note == 'told' or tonumber(string.sub(last, 2)) >= seq or C('EXISTS', log) == 0 then
        return { 'NONE', '0' }
    end
    local now = now_ms()
    local since, most, lines = merge_note(note, now, seq, tonumber(A[3]))
    local told = now - since >= tonumber(A[5])
    C('HSET', K[3], field, told and 'told' or string.format('%d %d %d', since, most, lines))
    C('EXPIRE', K[3], LOST_TTL_S)
    if not told then
        return { 'WAIT', '0' }
    end
    local count = string.format('%d', lines)
    local item = string.format('F%d:%s', #count, count)
    local id = append(log, books[2], history_length(A[4]), string.format('1 - 0 1 %d %s', #item, item))
    C('HSET', w, log, id)
    return { 'TOLD', count }
end

register({
    { name = 'lost', callback = lost },
})
