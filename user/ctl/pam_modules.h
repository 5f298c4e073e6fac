/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* What modules of PAM may return, as far as the line and the service's name decide it. */
#include "ctl/pam_walk.h"

/* Whatever a module may return. */
#define PAM_ANYTHING ((UINT32_C(1) << PAM_INCOMPLETE) - 1)

/* Refusals: what a module that authenticates returns when it does not. */
#define PAM_REFUSALS                                                                                         \
	(PAM_ANYTHING & ~(PAM_BIT(PAM_SUCCESS) | PAM_BIT(PAM_IGNORE) | PAM_BIT(PAM_NEW_AUTHTOK_REQD)))

/* The values, as bits, that this line's module may return in the service. */
uint32_t pam_module_returns(const struct pam_line *line, enum pam_type type, const char *service);

/* Whether it is one that is known not to ask for cards. */
bool pam_module_is_plain(const char *module);
