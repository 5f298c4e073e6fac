/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * xrdp's own way to drop a client while the session lives on: what xrdp-dis(1) sends, a datagram "sig" to
 * the socket xrdp_disconnect_display_N that the session's X server (xorgxrdp) listens on. Other back ends of
 * xrdp (Xvnc) have no such socket: then -ENOENT.
 *
 * N comes from logind's Display property: xrdp, 0.9 and 0.10 alike, opens its PAM session with PAM_TTY=":N"
 * (sesman, verify_user_pam.c), which pam_systemd takes for a display. No process's environment is looked at.
 */
#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

/*
 * Where the socket may be: XRDP_SOCKET_PATH is /run/xrdp/sockdir in Debian 12 (0.9.21), with a directory for
 * each user below it since 0.10; upstream's own default since 0.10 is /run/xrdp. Before it was /tmp/.xrdp,
 * which the unit's PrivateTmp= hides: not supported.
 */
#define XRDP_RUN_DIR	"/run/xrdp"
#define XRDP_PLACES_MAX 3

struct xrdp_target {
	uid_t uid;
	size_t count; /* 0: not a target */
	struct sockaddr_un places[XRDP_PLACES_MAX];
};

/*
 * Works out where to send, from logind's Display (":10" or ":10.0"); `run_dir` is XRDP_RUN_DIR but in tests.
 * The sockets need not exist yet: the X server starts after the record was written. -EINVAL: no such display,
 * ret is then no target.
 */
int xrdp_target_init(struct xrdp_target *ret, const char *run_dir, uid_t uid, const char *display);

/* A socket to send from. Its number, or a negative errno. */
int xrdp_socket(void);

/*
 * The hot path: blocks on nothing, allocates nothing. Only a socket that belongs to the target's user is
 * sent to. 0, or a negative errno.
 */
int xrdp_disconnect(int socket, const struct xrdp_target *target);
