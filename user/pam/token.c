/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pam/token.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "pam/certificate.h"

/* libp11-kit is its own proxy: it presents all modules that the machine has configured as one. */
#define PROXY "libp11-kit.so.0"

/* Sixteen readers with a few slots each. */
#define SLOTS_MAX 256
/* A card has a handful. The limit stops a module that never ends its list. */
#define CERTIFICATES_MAX 64
/* Names of certificates: a few hundred bytes. */
#define NAME_MAX_BYTES 4096

_printf_(2, 3) static void say_why(struct token_answer *answer, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(answer->why, sizeof(answer->why), format, arguments);
	va_end(arguments);
	answer->read = false;
}

/* ---- the module -------------------------------------------------------------------------------------------
 */

/* In a directory that others may write to, they can replace the file, except in /tmp and the like. */
static bool is_trusted(const struct stat *status)
{
	bool replaceable = S_ISDIR(status->st_mode) && (status->st_mode & S_ISVTX);

	return (status->st_uid == 0 || status->st_uid == geteuid()) &&
	       (!(status->st_mode & (S_IWGRP | S_IWOTH)) || replaceable);
}

int token_module_check(const char *path)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	struct stat status;

	if (!real)
		return -errno;
	if (stat(real, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	while (is_trusted(&status)) {
		char *slash = strrchr(real, '/');

		if (real[1] == '\0')
			return 0;
		slash[slash == real] = '\0';
		if (stat(real, &status) < 0)
			return -errno;
	}
	return -EPERM;
}

static CK_FUNCTION_LIST *module_load(const char *path, struct token_answer *answer)
{
	void *library = dlopen(path[0] ? path : PROXY, RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get_functions = NULL;
	CK_FUNCTION_LIST *module = NULL;

	if (!library) {
		say_why(answer, "%s", dlerror());
		return NULL;
	}
	*(void **)&get_functions = dlsym(library, "C_GetFunctionList");
	if (!get_functions || get_functions(&module) != CKR_OK || !module)
		say_why(answer, "%s is no PKCS#11 module", path[0] ? path : PROXY);
	return module;
}

CK_FUNCTION_LIST *token_module_start(const char *path, struct token_answer *answer)
{
	CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
	CK_FUNCTION_LIST *module = module_load(path, answer);
	CK_RV r;

	if (!module)
		return NULL;
	r = module->C_Initialize(&arguments);
	if (r == CKR_OK || r == CKR_CRYPTOKI_ALREADY_INITIALIZED)
		return module;
	say_why(answer, "C_Initialize: error 0x%lx", r);
	return NULL;
}

void token_module_end(CK_FUNCTION_LIST *module)
{
	module->C_Finalize(NULL);
}

/* ---- certificates -----------------------------------------------------------------------------------------
 */

struct bytes {
	uint8_t bytes[NAME_MAX_BYTES];
	size_t size; /* 0: the token has none, or does not say */
};

static void read_attribute(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
			   CK_ATTRIBUTE_TYPE type, struct bytes *ret_value)
{
	CK_ATTRIBUTE attribute = {
		.type = type, .pValue = ret_value->bytes, .ulValueLen = sizeof(ret_value->bytes)};
	CK_RV r = module->C_GetAttributeValue(session, object, &attribute, 1);

	/* CK_UNAVAILABLE_INFORMATION is larger than any buffer. */
	ret_value->size =
		r == CKR_OK && attribute.ulValueLen <= sizeof(ret_value->bytes) ? attribute.ulValueLen : 0;
}

static void read_certificate(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
			     const struct pam_request *request, struct token_answer *answer)
{
	struct bytes serial = {0}, issuer = {0}, subject = {0};

	if (request->serial[0]) {
		read_attribute(module, session, object, CKA_SERIAL_NUMBER, &serial);
		read_attribute(module, session, object, CKA_ISSUER, &issuer);
		if (serial_equal(serial.bytes, serial.size, request->serial) &&
		    issuer_equal(issuer.bytes, issuer.size, request->issuer))
			answer->certificate = true;
	}
	if (request->record.user[0]) {
		read_attribute(module, session, object, CKA_SUBJECT, &subject);
		if (subject_has_name(subject.bytes, subject.size, request->record.user))
			answer->user = true;
	}
}

static CK_RV read_certificates(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session,
			       const struct pam_request *request, struct token_answer *answer)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_ATTRIBUTE wanted = {.type = CKA_CLASS, .pValue = &class, .ulValueLen = sizeof(class)};
	CK_RV r = module->C_FindObjectsInit(session, &wanted, 1);

	if (r != CKR_OK)
		return r;
	for (int i = 0; i < CERTIFICATES_MAX; i++) {
		CK_OBJECT_HANDLE object;
		CK_ULONG count = 0;

		r = module->C_FindObjects(session, &object, 1, &count);
		if (r != CKR_OK || count != 1)
			break;
		read_certificate(module, session, object, request, answer);
	}
	module->C_FindObjectsFinal(session);
	return r;
}

static CK_RV read_objects(CK_FUNCTION_LIST *module, CK_SLOT_ID slot, const struct pam_request *request,
			  struct token_answer *answer)
{
	CK_SESSION_HANDLE session;
	CK_RV r = module->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session);

	if (r != CKR_OK)
		return r;
	r = read_certificates(module, session, request, answer);
	module->C_CloseSession(session);
	return r;
}

/* ---- slots ------------------------------------------------------------------------------------------------
 */

static CK_RV read_token(CK_FUNCTION_LIST *module, CK_SLOT_ID slot, const struct pam_request *request,
			struct token_answer *answer)
{
	const char *label = request->record.token, *user = request->record.user;
	CK_TOKEN_INFO token = {0};
	CK_RV r = module->C_GetTokenInfo(slot, &token);

	/* A card that this module cannot read did not sign in through it. */
	if (r == CKR_TOKEN_NOT_RECOGNIZED || r == CKR_TOKEN_NOT_PRESENT)
		return CKR_OK;
	if (r != CKR_OK)
		return r;
	if (label[0] && padded_equal(token.label, sizeof(token.label), label))
		answer->label = true;
	if (user[0] && padded_equal(token.label, sizeof(token.label), user))
		answer->user = true;
	return read_objects(module, slot, request, answer);
}

static CK_RV read_slot(CK_FUNCTION_LIST *module, CK_SLOT_ID slot, const struct pam_request *request,
		       const char *reader, struct token_answer *answer)
{
	CK_SLOT_INFO info = {0};
	CK_RV r = module->C_GetSlotInfo(slot, &info);

	if (r != CKR_OK || !(info.flags & CKF_TOKEN_PRESENT) ||
	    !description_equal(info.slotDescription, reader))
		return r;
	return read_token(module, slot, request, answer);
}

void token_read(CK_FUNCTION_LIST *module, const struct pam_request *request, const char *reader,
		struct token_answer *answer)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG count = SLOTS_MAX;
	CK_RV r = module->C_GetSlotList(CK_TRUE, slots, &count);

	if (r == CKR_OK && count > SLOTS_MAX)
		r = CKR_BUFFER_TOO_SMALL;
	/* If one slot cannot be read, it is unknown whether that slot has the object. */
	answer->read = true;
	for (CK_ULONG i = 0; r == CKR_OK && i < count; i++)
		r = read_slot(module, slots[i], request, reader, answer);
	if (r != CKR_OK)
		say_why(answer, "error 0x%lx", r);
}
