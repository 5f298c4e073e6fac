/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* adsys's list of the policies that apply to a machine: which there are, in the order in which they count. */
#include <stddef.h>

/*
 * `id` is "{GUID}", of letters, digits, '-' and braces alone: fit to be a directory's name. A negative value
 * ends the reading.
 */
typedef int (*gpo_list_handler)(void *userdata, const char *id);

/*
 * The "id:" of each element of "gpos:" (adsys internal/policies/policies.go, gpo.go). 0; -EBADMSG with ret_error
 * filled, one sentence; what the handler returned.
 */
int gpo_list_read(const char *text, size_t size, gpo_list_handler on_policy, void *userdata, char *ret_error,
		  size_t error_size);
