/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pam/find_fido.h"

#ifdef HAVE_LIBFIDO2
#include <dlfcn.h>
#include <errno.h>
#include <fido.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "pam/u2f_keys.h"

#define LIBRARY "libfido2.so.1"

/* A sign-in with one key, or with a card, does not load the library. */
#define EVERY_CALL(CALL)                                                                                     \
	CALL(fido_init)                                                                                      \
	CALL(fido_dev_new)                                                                                   \
	CALL(fido_dev_free)                                                                                  \
	CALL(fido_dev_open)                                                                                  \
	CALL(fido_dev_close)                                                                                 \
	CALL(fido_dev_set_timeout)                                                                           \
	CALL(fido_dev_get_assert)                                                                            \
	CALL(fido_assert_new)                                                                                \
	CALL(fido_assert_free)                                                                               \
	CALL(fido_assert_set_rp)                                                                             \
	CALL(fido_assert_set_clientdata_hash)                                                                \
	CALL(fido_assert_allow_cred)                                                                         \
	CALL(fido_assert_set_up)

#define MEMBER(name) __typeof__(name) *name;
struct library {
	EVERY_CALL(MEMBER)
};

static bool load_library(struct library *library)
{
	void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return false;
#define LOAD(name)                                                                                           \
	library->name = (__typeof__(library->name))dlsym(handle, #name);                                     \
	if (!library->name)                                                                                  \
		return false;
	EVERY_CALL(LOAD)
	library->fido_init(0);
	return true;
}

/* ---- one key ---------------------------------------------------------------------------------------------- */

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_UNKNOWN };

/* Without a touch a key either signs, or says that it would if it were touched. */
static enum answer answer_of(int result)
{
	switch (result) {
	case FIDO_OK:
	case FIDO_ERR_UP_REQUIRED:
	case FIDO_ERR_USER_PRESENCE_REQUIRED:
		return ANSWER_YES;
	case FIDO_ERR_NO_CREDENTIALS:
	case FIDO_ERR_INVALID_CREDENTIAL:
	case FIDO_ERR_CREDENTIAL_EXCLUDED:
		return ANSWER_NO;
	default:
		return ANSWER_UNKNOWN;
	}
}

static enum answer ask_credential(const struct library *library, fido_dev_t *device, const char *origin,
				  const struct u2f_handle *handle)
{
	/* Nobody looks at a signature. */
	static const unsigned char hash[32] = {0};
	fido_assert_t *assertion = library->fido_assert_new();
	enum answer answer = ANSWER_UNKNOWN;

	if (assertion && library->fido_assert_set_rp(assertion, origin) == FIDO_OK &&
	    library->fido_assert_set_clientdata_hash(assertion, hash, sizeof(hash)) == FIDO_OK &&
	    library->fido_assert_allow_cred(assertion, handle->bytes, handle->size) == FIDO_OK &&
	    library->fido_assert_set_up(assertion, FIDO_OPT_FALSE) == FIDO_OK)
		answer = answer_of(library->fido_dev_get_assert(device, assertion, NULL));
	library->fido_assert_free(&assertion);
	return answer;
}

static enum answer ask_open(const struct library *library, fido_dev_t *device, const char *origin,
			    const struct u2f_handles *handles)
{
	enum answer answer = ANSWER_NO;

	for (size_t i = 0; i < handles->count && answer == ANSWER_NO; i++)
		answer = ask_credential(library, device, origin, &handles->handles[i]);
	return answer;
}

static enum answer ask_key(const struct library *library, const char *node, const char *origin,
			   const struct u2f_handles *handles, unsigned int timeout_ms)
{
	fido_dev_t *device = library->fido_dev_new();
	enum answer answer = ANSWER_UNKNOWN;
	char path[64];

	snprintf(path, sizeof(path), "/dev/%s", node);
	if (device && library->fido_dev_set_timeout(device, (int)timeout_ms) == FIDO_OK &&
	    library->fido_dev_open(device, path) == FIDO_OK) {
		answer = ask_open(library, device, origin, handles);
		library->fido_dev_close(device);
	}
	library->fido_dev_free(&device);
	return answer;
}

/* ---- all of them ------------------------------------------------------------------------------------------ */

/* pam_u2f's default. */
static void default_origin(char origin[static FIDO_ORIGIN_SIZE])
{
	char host[FIDO_ORIGIN_SIZE - 16] = "";

	if (gethostname(host, sizeof(host) - 1) < 0)
		host[0] = '\0';
	snprintf(origin, FIDO_ORIGIN_SIZE, "pam://%s", host);
}

int fido_choose(const struct pam_request *request, const char *const *nodes, size_t count,
		unsigned int timeout_ms, struct find_text *ret_text)
{
	_cleanup_free_ struct u2f_handles *handles = calloc(1, sizeof(*handles));
	char origin[FIDO_ORIGIN_SIZE];
	struct library library;
	int found = -1;
	int r = handles ? u2f_keys_read(request->u2f_keys, request->record.user, handles, ret_text) : -ENOMEM;

	if (r < 0)
		return r;
	if (!load_library(&library)) {
		find_tell(ret_text, LIBRARY " cannot be loaded");
		return -ENOSYS;
	}
	snprintf(origin, sizeof(origin), "%s", request->origin);
	if (!*origin)
		default_origin(origin);
	for (size_t i = 0; i < count; i++) {
		enum answer answer =
			ask_key(&library, nodes[i], origin, handles, timeout_ms / (unsigned int)count);

		if (answer == ANSWER_UNKNOWN || (answer == ANSWER_YES && found >= 0)) {
			find_tell(ret_text,
				  answer == ANSWER_YES ? "several of them have a credential of the user's"
						       : "%s does not answer",
				  nodes[i]);
			return -ENOENT;
		}
		if (answer == ANSWER_YES)
			found = (int)i;
	}
	if (found < 0)
		find_tell(ret_text, "none of them has a credential of the user's");
	return found < 0 ? -ENOENT : found;
}

#else
#include <errno.h>

int fido_choose(const struct pam_request *request, const char *const *nodes, size_t count,
		unsigned int timeout_ms, struct find_text *ret_text)
{
	(void)request, (void)nodes, (void)count, (void)timeout_ms;
	find_tell(ret_text, "it was built without libfido2");
	return -ENOSYS;
}
#endif
