/* SPDX-License-Identifier: MIT */
#include <parley/util/base.h>

#include <stdio.h>
#include <stdlib.h>

_Noreturn void parley_assert_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "parleyd: broken invariant: %s (%s:%d)\n", what, file, line);
    abort();
}
