/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Compares the bytes that PKCS#11 has with the text that a sign-in stack left. The card chooses all of its
 * bytes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True if a field of CK_SLOT_INFO or CK_TOKEN_INFO, blank padded and cut to its size, is this text. */
bool padded_equal(const unsigned char *field, size_t size, const char *text);

/*
 * True if a slot description is the name of this PC/SC reader: whole, or cut where the field ends, with or
 * without three dots in its last bytes (OpenSC 0.23, misc.c: strcpy_bp()). Readers with the same name up to
 * the dots are twins.
 */
#define DESCRIPTION_SIZE 64
#define DESCRIPTION_SURE (DESCRIPTION_SIZE - 3)
bool description_equal(const unsigned char description[static DESCRIPTION_SIZE], const char *reader);

/* True if CKA_SERIAL_NUMBER, a DER INTEGER, is this text: "1A:2B", as pam_pkcs11 writes the bytes. */
bool serial_equal(const uint8_t *der, size_t size, const char *text);

/*
 * True if CKA_ISSUER, a DER Name, is this text, which X509_NAME_oneline() writes and pam_pkcs11 cuts to 229
 * bytes. True also for a text in another form (issuer_is_comparable()), which says nothing.
 */
bool issuer_equal(const uint8_t *der, size_t size, const char *text);
bool issuer_is_comparable(const char *text);

/* True if CKA_SUBJECT, a DER Name, has this common name. */
bool subject_has_name(const uint8_t *der, size_t size, const char *name);
