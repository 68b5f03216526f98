/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - what a fuzz target is: one function that takes any bytes and must not fail.
 *
 * Each fuzz_NAME.c defines FUZZ_TARGET and has a folder corpus/NAME with inputs worth
 * keeping: those that led to a fault once, and one of each kind. Two programs are made of it:
 *   build/fuzz/NAME        `make test-unit`: the corpus, then some seconds of mutations of it
 *                          by a seed that is printed (replay.c)
 *   build/libfuzzer/NAME   `make fuzz`: libFuzzer, guided by coverage (clang only)
 */
#ifndef PARLEY_TESTS_FUZZ_H
#define PARLEY_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#define FUZZ_TARGET LLVMFuzzerTestOneInput

/* Called with one input after the other; a static rig is to be made with the first. Returns 0.
 * https://llvm.org/docs/LibFuzzer.html#fuzz-target */
int FUZZ_TARGET(const uint8_t *data, size_t size);

#endif
