/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pam/certificate.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/log.h"

DEFINE_CLEANUP(X509_NAME *, X509_NAME_free)

/* pam_pkcs11 has X509_NAME_oneline() write into 256 bytes, and puts 229 of them into its variable. */
#define ONELINE_SIZE 256
#define ISSUER_CUT   229

/* DER INTEGER: a tag, a length, which is one byte below 128 (X.690, 8.1.3.4), the bytes. */
#define DER_INTEGER	 0x02
#define DER_SHORT_LENGTH 128

bool padded_equal(const unsigned char *field, size_t size, const char *text)
{
	size_t length = strnlen(text, size);

	if (memcmp(field, text, length) != 0)
		return false;
	/* Some modules pad with NULs. */
	for (size_t i = length; i < size; i++)
		if (field[i] != ' ' && field[i] != '\0')
			return false;
	return true;
}

bool description_equal(const unsigned char description[static DESCRIPTION_SIZE], const char *reader)
{
	return padded_equal(description, DESCRIPTION_SIZE, reader) ||
	       (strlen(reader) > DESCRIPTION_SIZE && memcmp(description, reader, DESCRIPTION_SURE) == 0 &&
		memcmp(description + DESCRIPTION_SURE, "...", 3) == 0);
}

bool serial_equal(const uint8_t *der, size_t size, const char *text)
{
	size_t length = strlen(text);

	if (size < 3 || size - 2 >= DER_SHORT_LENGTH || der[0] != DER_INTEGER || der[1] != size - 2 ||
	    length != (size - 2) * 3 - 1)
		return false;
	for (size_t i = 0; i < size - 2; i++) {
		char byte[4];

		snprintf(byte, sizeof(byte), "%02X:", der[2 + i]);
		if (strncmp(text + 3 * i, byte, i + 3 < size ? 3 : 2) != 0)
			return false;
	}
	return true;
}

bool issuer_is_comparable(const char *text)
{
	return text[0] == '/';
}

static X509_NAME *name_parse(const uint8_t *der, size_t size)
{
	const uint8_t *end = der;
	X509_NAME *name = d2i_X509_NAME(NULL, &end, (long)size);

	if (name && end != der + size) {
		X509_NAME_free(name);
		return NULL;
	}
	return name;
}

bool issuer_equal(const uint8_t *der, size_t size, const char *text)
{
	_cleanup_(X509_NAME_free_p) X509_NAME *name = NULL;
	char line[ONELINE_SIZE];

	if (!issuer_is_comparable(text))
		return true;
	name = name_parse(der, size);
	return name && X509_NAME_oneline(name, line, sizeof(line)) && strncmp(line, text, ISSUER_CUT) == 0;
}

static bool entry_equal(const X509_NAME_ENTRY *entry, const char *text)
{
	unsigned char *value = NULL;
	int length = ASN1_STRING_to_UTF8(&value, X509_NAME_ENTRY_get_data(entry));
	bool equal =
		length >= 0 && (size_t)length == strlen(text) && memcmp(value, text, (size_t)length) == 0;

	OPENSSL_free(value);
	return equal;
}

bool subject_has_name(const uint8_t *der, size_t size, const char *text)
{
	_cleanup_(X509_NAME_free_p) X509_NAME *name = name_parse(der, size);
	int at = -1;

	while (name && (at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0)
		if (entry_equal(X509_NAME_get_entry(name, at), text))
			return true;
	return false;
}
