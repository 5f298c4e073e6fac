/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The watch over every reader, for as long as one pcscd lives. Each change of state or counter becomes one
 * message, stamped as soon as PC/SC reported it.
 */
#include "pcsc-worker/address.h"
#include "pcsc-worker/interrupt.h"

struct watch;

/* 0, or a negative errno. Lives as long as the process, as `interrupt` and `finder` must. */
int watch_new(struct interrupt *interrupt, struct address_finder *finder, struct watch **ret);

/*
 * Sends READERs and SYNCED, then every change; returns what PC/SC answered when pcscd could not be asked any
 * more.
 */
LONG watch_run(struct watch *watch, SCARDCONTEXT context);
