/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* The arguments of a pam_scpolicy line: pam_scpolicy(8). What is wrong with one is logged. */
#include <stdbool.h>
#include <stdint.h>

#include <security/pam_modules.h>

#include "lib/pam_message.h"

struct options {
	bool always, require, token, quiet, debug;
	bool proof;	/* proof=pkinit */
	bool malformed; /* the module does nothing on such a line */
	uint32_t timeout_ms;
	char reader_glob[READER_NAME_SIZE];
	char pkcs11_module[PKCS11_MODULE_SIZE];
	char u2f_keys[U2F_KEYS_SIZE], origin[FIDO_ORIGIN_SIZE];
	char usb_token[USB_TOKEN_SIZE]; /* token=; "": a card in a reader */
};

__attribute__((visibility("hidden"))) struct options options_parse(pam_handle_t *pamh, int argc,
								   const char **argv);
