/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* logind's names on the system bus (org.freedesktop.login1(5)). */
#define LOGIND	       "org.freedesktop.login1"
#define LOGIND_PATH    "/org/freedesktop/login1"
#define LOGIND_MANAGER LOGIND ".Manager"
#define LOGIND_SESSION LOGIND ".Session"
#define SESSION_PREFIX LOGIND_PATH "/session"
