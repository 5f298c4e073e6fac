/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The watch over every reader, for as long as one pcscd lives. What changes in state or counter becomes one
 * message each, stamped as soon as PC/SC told of it.
 */
#include "pcsc-worker/address.h"
#include "pcsc-worker/interrupt.h"

struct watch;

/* 0, or a negative errno. Lives as long as the process, as `interrupt` and `finder` must. */
int watch_new(struct interrupt *interrupt, struct address_finder *finder, struct watch **ret);

/* Sends READERs and SYNCED, then whatever changes; returns what PC/SC said when pcscd could not be asked any
 * more. */
LONG watch_run(struct watch *watch, SCARDCONTEXT context);
