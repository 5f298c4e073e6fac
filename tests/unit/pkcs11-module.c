/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PKCS#11 module with the tokens that PKCS11_TEST names, "READER|LABEL|SERIAL|NAME" each, a semicolon
 * between: one certificate in each, its serial number in two hexadecimal digits, issued by "test CA" to NAME.
 * A label may say what is wrong with the token: see misbehave().
 */
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKENS_MAX 8
#define HANDLES	   100 /* session and object of slot n: HANDLES + n */

static struct token {
	char reader[200], label[33], name[33];
	unsigned int serial;
	int found;
} tokens[TOKENS_MAX];
static CK_ULONG token_count;

static int has(CK_ULONG n, const char *label)
{
	return n < token_count && strcmp(tokens[n].label, label) == 0;
}

static CK_RV initialize(void *arguments)
{
	const char *text = getenv("PKCS11_TEST");

	(void)arguments;
	for (token_count = 0; text && token_count < TOKENS_MAX; token_count++) {
		struct token *token = &tokens[token_count];

		if (sscanf(text, "%199[^|]|%32[^|]|%2x|%32[^;]", token->reader, token->label, &token->serial,
			   token->name) != 4)
			break;
		text = strchr(text, ';');
		text = text ? text + 1 : NULL;
	}
	return has(0, "fails to start") ? CKR_GENERAL_ERROR : CKR_OK;
}

static CK_RV finalize(void *reserved)
{
	(void)reserved;
	if (has(0, "stays"))
		for (;;)
			pause();
	return CKR_OK;
}

static CK_RV get_slot_list(CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *count)
{
	(void)present;
	if (has(0, "too many slots")) {
		*count = 1000000;
		return CKR_OK;
	}
	for (CK_ULONG n = 0; list && n < token_count; n++)
		list[n] = n;
	*count = token_count;
	return CKR_OK;
}

static void pad(unsigned char *field, size_t size, const char *text)
{
	size_t length = strlen(text);

	memset(field, ' ', size);
	memcpy(field, text, length < size ? length : size);
}

static CK_RV get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
	memset(info, 0, sizeof(*info));
	pad(info->slotDescription, sizeof(info->slotDescription), tokens[slot].reader);
	info->flags = has(slot, "empty") ? 0 : CKF_TOKEN_PRESENT;
	return CKR_OK;
}

/* The token is called "changes" when the library could write a file or signal another process. */
static void try_to_change(struct token *token)
{
	int fd = open("/tmp/scpolicyd-test-pkcs11", O_CREAT | O_WRONLY, 0600);
	int changed = fd >= 0 || kill(getppid(), 0) == 0 || mkdir("/tmp/scpolicyd-test-pkcs11", 0700) == 0;

	snprintf(token->label, sizeof(token->label), "%s", changed ? "changes" : "is refused");
}

static CK_RV misbehave(CK_SLOT_ID slot)
{
	static const unsigned char nonsense[1000] = {[0 ... 999] = 0xff};

	if (has(slot, "crashes"))
		abort();
	if (has(slot, "ends"))
		_exit(0);
	if (has(slot, "hangs"))
		for (;;)
			pause();
	if (has(slot, "lies")) {
		for (int fd = 3; fd < 20; fd++)
			if (write(fd, nonsense, sizeof(nonsense)) > 0)
				_exit(0);
	}
	if (has(slot, "tries to change"))
		try_to_change(&tokens[slot]);
	return has(slot, "is not known") ? CKR_TOKEN_NOT_RECOGNIZED
	       : has(slot, "is broken")	 ? CKR_DEVICE_ERROR
					 : CKR_OK;
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	CK_RV r = misbehave(slot);

	memset(info, 0, sizeof(*info));
	pad(info->label, sizeof(info->label), tokens[slot].label);
	return r;
}

/* A session that could write, or a log in, would be none of our business: there is no C_Login here. */
static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *data, CK_NOTIFY notify,
			  CK_SESSION_HANDLE *session)
{
	(void)data;
	(void)notify;
	if (flags != CKF_SERIAL_SESSION)
		abort();
	*session = HANDLES + slot;
	return CKR_OK;
}

static CK_RV close_session(CK_SESSION_HANDLE session)
{
	(void)session;
	return CKR_OK;
}

static CK_RV find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *wanted, CK_ULONG count)
{
	(void)wanted;
	(void)count;
	tokens[session - HANDLES].found = 0;
	return CKR_OK;
}

static CK_RV find_objects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *object, CK_ULONG max, CK_ULONG *count)
{
	(void)max;
	*count = tokens[session - HANDLES].found++ == 0 || has(session - HANDLES, "never ends");
	*object = session;
	return CKR_OK;
}

static CK_RV find_objects_final(CK_SESSION_HANDLE session)
{
	(void)session;
	return CKR_OK;
}

/* A Name of one common name, in DER. */
static size_t make_name(unsigned char *der, const char *name)
{
	unsigned char n = (unsigned char)strlen(name);
	const unsigned char start[] = {0x30, n + 11, 0x31, n + 9, 0x30, n + 7, 0x06,
				       3,    0x55,   0x04, 0x03,  0x0c, n};

	memcpy(der, start, sizeof(start));
	memcpy(der + sizeof(start), name, n);
	return sizeof(start) + n;
}

static CK_RV get_attribute(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attribute,
			   CK_ULONG count)
{
	const struct token *token = &tokens[object - HANDLES];
	unsigned char *value = attribute->pValue;

	(void)session;
	(void)count;
	if (has(object - HANDLES, "has none"))
		return CKR_ATTRIBUTE_TYPE_INVALID;
	if (attribute->type == CKA_SERIAL_NUMBER) {
		memcpy(value, (unsigned char[]){2, 1, (unsigned char)token->serial}, 3);
		attribute->ulValueLen = 3;
	} else {
		attribute->ulValueLen =
			make_name(value, attribute->type == CKA_ISSUER ? "test CA" : token->name);
	}
	if (has(object - HANDLES, "boasts"))
		attribute->ulValueLen = 1UL << 40;
	return CKR_OK;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **ret_list)
{
	static CK_FUNCTION_LIST list = {
		.version = {2, 40},
		.C_Initialize = initialize,
		.C_Finalize = finalize,
		.C_GetFunctionList = C_GetFunctionList,
		.C_GetSlotList = get_slot_list,
		.C_GetSlotInfo = get_slot_info,
		.C_GetTokenInfo = get_token_info,
		.C_OpenSession = open_session,
		.C_CloseSession = close_session,
		.C_FindObjectsInit = find_objects_init,
		.C_FindObjects = find_objects,
		.C_FindObjectsFinal = find_objects_final,
		.C_GetAttributeValue = get_attribute,
	};

	*ret_list = &list;
	return CKR_OK;
}
