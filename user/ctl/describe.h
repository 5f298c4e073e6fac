/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* The core's events and verdicts in words, one line each, for people. */
#include "policy/verdict.h"

/* 128 bytes of a name, what stands round it, and room. */
#define DESCRIPTION_SIZE 512

/* Both return `text`. Names in it are as they came: text_clean() is the caller's. */
const char *describe_event(const struct event *event, char text[static DESCRIPTION_SIZE]);
const char *describe_verdict(const struct verdict *verdict, char text[static DESCRIPTION_SIZE]);
