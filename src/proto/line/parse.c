/* SPDX-License-Identifier: MIT */
#include "proto/line/parse.h"

struct input parse_line(struct str_view line)
{
    struct input in = {.kind = INPUT_TEXT, .text = line};

    if (sv_trim(line).len == 0) {
        in.kind = INPUT_BLANK;
    } else if (sv_starts_with(line, SV("//"))) {
        in.text = sv(line.ptr + 1, line.len - 1);
    } else if (line.ptr[0] == '/') {
        in.kind = INPUT_COMMAND;
        in.text = sv(line.ptr + 1, line.len - 1);
        /* "/ x" has an empty name, and so is no command. */
        if (in.text.len > 0 && in.text.ptr[0] != ' ' && in.text.ptr[0] != '\t') {
            in.command = sv_next_word(&in.text);
        }
        in.text = sv_trim(in.text);
    }
    return in;
}

bool parse_args(struct str_view text, const struct args_shape *shape,
                struct args *ret_args)
{
    struct args found = {0};

    text = sv_trim(text);
    while (text.len > 0 && found.count < shape->max) {
        bool is_last = found.count + 1U == shape->max;
        if (is_last && shape->last_is_text) {
            found.at[found.count++] = text;
            text = sv(NULL, 0);
        } else {
            found.at[found.count++] = sv_next_word(&text);
        }
    }
    if (text.len > 0 || found.count < shape->min) {
        return false;
    }
    *ret_args = found;
    return true;
}
