/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* The GSSAPI library, which only a line with proof= needs: it is loaded then. */
#ifdef HAVE_GSSAPI
#include <dlfcn.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <stdbool.h>

#define GSSAPI_LIBRARY "libgssapi_krb5.so.2"

#define EVERY_GSSAPI_CALL(CALL)                                                                              \
	CALL(gss_import_name)                                                                                \
	CALL(gss_init_sec_context)                                                                           \
	CALL(gss_accept_sec_context)                                                                         \
	CALL(gss_get_name_attribute)                                                                         \
	CALL(gss_display_status)                                                                             \
	CALL(gss_release_buffer)                                                                             \
	CALL(gsskrb5_extract_authtime_from_sec_context)

#define GSSAPI_MEMBER(name) __typeof__(name) *name;
struct gssapi {
	EVERY_GSSAPI_CALL(GSSAPI_MEMBER)
	gss_OID *hostbased;
};

static inline bool gssapi_load(struct gssapi *gssapi)
{
	void *handle = dlopen(GSSAPI_LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return false;
#define GSSAPI_LOAD(name)                                                                                    \
	gssapi->name = (__typeof__(gssapi->name))dlsym(handle, #name);                                       \
	if (!gssapi->name)                                                                                   \
		return false;
	EVERY_GSSAPI_CALL(GSSAPI_LOAD)
	gssapi->hostbased = (gss_OID *)dlsym(handle, "GSS_C_NT_HOSTBASED_SERVICE");
	return gssapi->hostbased != NULL;
}
#endif
