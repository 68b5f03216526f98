/* SPDX-License-Identifier: MIT */
/* Chance comes from the world's seed, also that of the code under test. */
#include <check.h>

#include <sodium.h>

#include <parley/util/map.h>
#include <parley/util/rng.h>

#include "model_world.h"

unsigned world_chance(unsigned bound)
{
    uint64_t x = world.chance += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return bound == 0 ? 0 : (unsigned)((x ^ (x >> 31)) % bound);
}

static const char *chance_name(void)
{
    return "seeded";
}

static uint32_t chance_random(void)
{
    return world_chance(UINT32_MAX);
}

static void chance_buf(void *const buf, const size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ((unsigned char *)buf)[i] = (unsigned char)world_chance(256);
    }
}

static struct str_view name_of(const void *object)
{
    return sv_of(object);
}

void world_init(void)
{
    static struct randombytes_implementation seeded = {
        .implementation_name = chance_name, .random = chance_random, .buf = chance_buf};

    char name[] = "any";
    struct map map;

    ck_assert_int_eq(randombytes_set_implementation(&seeded), 0);
    rng_init();
    map_init(&map, name_of); /* the first one makes the key of all */
    ck_assert(map_add(&map, name));
    map_done(&map);
}
