/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Runs the helper from inside a program that is not ours: gdm, sshd, login. So: no signal handler or
 * disposition is touched, no static state, no descriptor or environment variable handed on, no SIGPIPE, and
 * never longer than the time limit.
 */
#include "lib/pam_message.h"

/*
 * Sends the request and reads the reply. 0; -ETIMEDOUT: killed at the time limit; -EBADMSG: it did not answer
 * as it should; -EINVAL: the request cannot be sent as it is; another negative errno: it could not be
 * started. On failure one sentence is in ret_error.
 */
__attribute__((visibility("hidden"))) int helper_run(enum pam_verb verb, const struct pam_request *request,
						     unsigned int timeout_ms, struct pam_reply *ret_reply,
						     struct record_error *ret_error);
