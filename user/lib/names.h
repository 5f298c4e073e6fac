/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Names and bounds that several programs must agree on. */

/* scpolicyd on the system bus, and its readers' group: its members may read everything that the daemon answers. */
#define BUS_NAME      "org.scpolicyd1"
#define BUS_PATH      "/org/scpolicyd1"
#define BUS_OWN_PATH  BUS_PATH "/own" /* of signals that are sent to one connection only */
#define BUS_INTERFACE BUS_NAME ".Manager"
#define ACCESS_GROUP  "scpolicyd"

/*
 * Where pcscd listens (PCSCLITE_CSOCK_NAME in pcsc-lite's pcscd.h, on every distribution that was checked).
 */
#define PCSCD_SOCKET "/run/pcscd/pcscd.comm"

/* pcscd has 16 readers before 2.5.0 (PCSCLITE_MAX_READERS_CONTEXTS), more since; nobody signs in at so many. */
#define READERS_MAX 64
