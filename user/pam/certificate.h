/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* What PKCS#11 has as bytes, compared with what a sign-in stack left as text. All bytes are the card's to
 * choose. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A field of CK_SLOT_INFO or CK_TOKEN_INFO, blank padded and cut to its size, is this text. */
bool padded_equal(const unsigned char *field, size_t size, const char *text);

/*
 * A slot description is the name of this PC/SC reader: whole, or cut where the field ends, with or without
 * three dots in its last bytes (OpenSC 0.23, misc.c: strcpy_bp()). Readers whose names are the same up to the
 * dots are twins.
 */
#define DESCRIPTION_SIZE 64
#define DESCRIPTION_SURE (DESCRIPTION_SIZE - 3)
bool description_equal(const unsigned char description[static DESCRIPTION_SIZE], const char *reader);

/* CKA_SERIAL_NUMBER, a DER INTEGER, is "1A:2B" as pam_pkcs11 writes its bytes. */
bool serial_equal(const uint8_t *der, size_t size, const char *text);

/*
 * CKA_ISSUER, a DER Name, is what X509_NAME_oneline() makes of it, as pam_pkcs11 has it: cut to 229 bytes.
 * True for a text in another form (issuer_is_comparable()): it says nothing.
 */
bool issuer_equal(const uint8_t *der, size_t size, const char *text);
bool issuer_is_comparable(const char *text);

/* CKA_SUBJECT, a DER Name, has this common name. */
bool subject_has_name(const uint8_t *der, size_t size, const char *name);
