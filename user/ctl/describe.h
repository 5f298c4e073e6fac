/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* The core's events and verdicts in words, one line each, for people. */
#include "policy/verdict.h"

/* A name of 128 bytes, the words around it, and some room. */
#define DESCRIPTION_SIZE 512

/* Both return `text`. Names in it are not cleaned: the caller calls text_clean(). */
const char *describe_event(const struct event *event, char text[static DESCRIPTION_SIZE]);
const char *describe_verdict(const struct verdict *verdict, char text[static DESCRIPTION_SIZE]);
