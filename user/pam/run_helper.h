/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Runs the helper from inside a program that is not ours: gdm, sshd, login. So it changes no signal handler
 * or disposition, has no static state, passes on no descriptor or environment variable, causes no SIGPIPE,
 * and never takes longer than the time limit.
 */
#include "lib/pam_message.h"

/*
 * Sends the request and reads the reply. Returns 0; -ETIMEDOUT if the helper was killed at the time limit;
 * -EBADMSG if its answer is wrong; -EINVAL if the request cannot be sent as it is; another negative errno if
 * the helper could not be started. On failure ret_error has one sentence.
 */
__attribute__((visibility("hidden"))) int helper_run(enum pam_verb verb, const struct pam_request *request,
						     unsigned int timeout_ms, struct pam_reply *ret_reply,
						     struct record_error *ret_error);
