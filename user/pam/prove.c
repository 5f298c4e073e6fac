/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pam/prove.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "pam/clock.h"
#include "pam/gssapi.h"
#include "pam/privileges.h"

/* As FreeIPA and MIT's manual name it (pkinit_indicator in kdc.conf). */
#define INDICATOR "pkinit"

#ifdef HAVE_GSSAPI
/* Whole, or nothing. */
static size_t read_ticket(int fd, int64_t deadline, unsigned char ticket[static TICKET_MAX])
{
	size_t used = 0;

	while (used < TICKET_MAX) {
		struct pollfd entry = {.fd = fd, .events = POLLIN};
		int64_t left = deadline - clock_ms();
		ssize_t n;

		if (left <= 0 || poll(&entry, 1, (int)left) <= 0)
			return 0;
		n = read(fd, ticket + used, TICKET_MAX - used);
		if (n <= 0)
			return n < 0 ? 0 : used;
		used += (size_t)n;
	}
	return 0;
}

static int tell_gssapi(const struct gssapi *gssapi, struct find_text *text, OM_uint32 error)
{
	gss_buffer_desc message = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor, more = 0;

	gssapi->gss_display_status(&minor, error, GSS_C_MECH_CODE, GSS_C_NO_OID, &more, &message);
	find_tell(text, "the ticket for this machine cannot be opened: %.*s", (int)message.length,
		  (const char *)message.value);
	return -EACCES;
}

/* The library checked whether the KDC sealed it: `sealed`. */
static bool has_indicator(const struct gssapi *gssapi, gss_name_t client)
{
	char name[] = "auth-indicators";
	gss_buffer_desc attribute = {sizeof(name) - 1, name};
	int more = -1;

	while (more != 0) {
		gss_buffer_desc value = GSS_C_EMPTY_BUFFER, shown = GSS_C_EMPTY_BUFFER;
		int sealed = 0, complete = 0;
		OM_uint32 minor;
		bool found;

		if (GSS_ERROR(gssapi->gss_get_name_attribute(&minor, client, &attribute, &sealed, &complete,
							     &value, &shown, &more)))
			return false;
		found = sealed && value.length == strlen(INDICATOR) &&
			memcmp(value.value, INDICATOR, value.length) == 0;
		gssapi->gss_release_buffer(&minor, &value);
		gssapi->gss_release_buffer(&minor, &shown);
		if (found)
			return true;
	}
	return false;
}

static int judge(const struct gssapi *gssapi, const struct pam_request *request, unsigned char *bytes,
		 size_t size, struct find_text *ret_text)
{
	gss_buffer_desc ticket = {size, bytes}, answer = GSS_C_EMPTY_BUFFER;
	gss_ctx_id_t context = GSS_C_NO_CONTEXT;
	gss_name_t client = GSS_C_NO_NAME;
	krb5_timestamp authenticated = 0;
	OM_uint32 minor;

	if (GSS_ERROR(gssapi->gss_accept_sec_context(&minor, &context, GSS_C_NO_CREDENTIAL, &ticket,
						     GSS_C_NO_CHANNEL_BINDINGS, &client, NULL, &answer, NULL,
						     NULL, NULL)))
		return tell_gssapi(gssapi, ret_text, minor);
	if (GSS_ERROR(gssapi->gsskrb5_extract_authtime_from_sec_context(&minor, context, &authenticated)))
		return tell_gssapi(gssapi, ret_text, minor);
	if (!has_indicator(gssapi, client)) {
		find_tell(ret_text, "the KDC does not say that the ticket came by a certificate");
		return 0;
	}
	/* Offline, an earlier sign-in's ticket is still there. A time of Kerberos has 32 bits, and no sign (RFC 4120). */
	if ((int64_t)(uint32_t)authenticated < request->began) {
		find_tell(ret_text, "the ticket is older than this sign-in, by the KDC's clock");
		return 0;
	}
	find_tell(ret_text, "the KDC says that the ticket came by a certificate");
	return 1;
}

int prove_pkinit(const struct pam_request *request, struct find_text *ret_text)
{
	int64_t deadline = clock_ms() + request->timeout_ms / 8 * 7;
	_cleanup_free_ unsigned char *ticket = malloc(TICKET_MAX);
	_cleanup_close_ int fd = -1;
	struct gssapi gssapi;
	size_t size;
	int r = ticket ? prove_present(request, request->timeout_ms / 1000 + 1, &fd) : -ENOMEM;

	if (r == 0)
		r = privileges_drop();
	/* The one ticket is used once, here: a file that remembers it would only be in the way. */
	if (r == 0 && setenv("KRB5RCACHENAME", "none:", 1) < 0)
		r = -errno;
	if (r < 0) {
		find_tell(ret_text, "cannot look at the ticket: %s", strerror(-r));
		return r;
	}
	size = read_ticket(fd, deadline, ticket);
	if (size == 0) {
		find_tell(ret_text, "the person's ticket cache gives no ticket for this machine");
		return 0;
	}
	if (!gssapi_load(&gssapi)) {
		find_tell(ret_text, "%s cannot be loaded", GSSAPI_LIBRARY);
		return -ELIBACC;
	}
	return judge(&gssapi, request, ticket, size, ret_text);
}
#else
int prove_pkinit(_unused_ const struct pam_request *request, struct find_text *ret_text)
{
	find_tell(ret_text, "built without GSSAPI, which proof=pkinit needs");
	return -ENOSYS;
}
#endif
