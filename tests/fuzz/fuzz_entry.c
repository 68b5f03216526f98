/* SPDX-License-Identifier: MIT */
/* Entries and items, as they come out of a log that anybody may have written to. */
#include <string.h>

#include <parley/core/item.h>
#include <parley/util/base.h>
#include <parley/util/strbuf.h>

#include "fuzz.h"

/* What was read, written and read again, is the same. */
static void check_item(const struct item *it)
{
    struct strbuf text;
    struct item again;

    strbuf_init(&text, (size_t)4 * ENTRY_BYTES_MAX);
    item_encode(&text, it->type, it->fields, it->field_count);
    struct str_view rest = strbuf_view(&text);

    PARLEY_ASSERT(!text.failed);
    PARLEY_ASSERT(item_decode(&rest, &again) == ITEM_NEXT_OK && rest.len == 0);
    PARLEY_ASSERT(again.type == it->type && again.field_count == it->field_count);
    for (size_t i = 0; i < it->field_count; i++) {
        PARLEY_ASSERT(sv_equal(again.fields[i], it->fields[i]));
    }
    strbuf_done(&text);
}

static void check_id(struct str_view text)
{
    struct strbuf out;
    struct entry_id id;
    struct entry_id again;

    if (!entry_id_parse(text, &id)) {
        return;
    }
    strbuf_init(&out, 64);
    entry_id_add(&out, id);
    PARLEY_ASSERT(entry_id_parse(strbuf_view(&out), &again));
    PARLEY_ASSERT(entry_id_compare(id, again) == 0);
    strbuf_done(&out);
}

int FUZZ_TARGET(const uint8_t *data, size_t size)
{
    struct str_view text = sv((const char *)data, size);
    struct entry entry;
    struct item it;

    check_id(text);
    if (!entry_decode(text, &entry)) {
        return 0;
    }
    PARLEY_ASSERT(entry.node.len <= NODE_ID_MAX && entry.count <= ENTRY_ITEMS_MAX);
    while (item_decode(&entry.items, &it) == ITEM_NEXT_OK) {
        PARLEY_ASSERT(it.field_count <= ITEM_FIELDS_MAX);
        check_item(&it);
    }
    return 0;
}
