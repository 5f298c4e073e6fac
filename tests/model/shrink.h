/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
#include "judge.h"

/* Reduces a history that ends in `fault` with `text`. */
void shrink(struct machine *machine, struct script *script, enum fault fault, const char *text);

/* Runs it once more and prints it as a recording, with what is wrong at its head. */
void shrink_print(struct machine *machine, const struct script *script, const char *profile, uint64_t seed);
