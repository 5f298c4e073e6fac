/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* What logind is asked of a session: it may not answer, or be gone when it would. */
struct logind_session;

/* Asks for all that session_kind.h reads. One answer follows, or more questions. 0, or a negative errno. */
int logind_question_ask(struct logind_session *entry);

/*
 * Part of what the session is was reported before any answer came. The whole is on its way; where logind was asked often
 * enough, it is asked again, since it does answer.
 */
void logind_question_missed(struct logind_session *entry);
