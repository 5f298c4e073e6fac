/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Finds the word that somebody may have meant, and writes times and causes for people. */
#include <stddef.h>
#include <stdint.h>

#define SPAN_SIZE 32

/* The word that is nearest to `word`, or that begins with it; NULL if no word is near. */
const char *nearest_word(const char *word, const char *const *words, size_t count);

/* "350 ms", "20 s", "2 min 5 s", "3 h 20 min", "2 d 4 h". Returns `buffer`. */
const char *span_text(uint64_t usec, char buffer[static SPAN_SIZE]);

/* "+0.8 ms", "+12.5 s": since a removal. Returns `buffer`. */
const char *offset_text(uint64_t usec, char buffer[static SPAN_SIZE]);

/* CLOCK_MONOTONIC and CLOCK_REALTIME, microseconds. */
uint64_t monotonic_usec(void);
uint64_t realtime_usec(void);
