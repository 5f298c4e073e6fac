/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcsc-holder READER shared|exclusive: an ordinary PC/SC client that keeps a card to itself, by a transaction or by an
 * exclusive connection. Says HELD; at "release" on standard input it lets go and says RELEASED; ends with its input.
 */
#include <stdio.h>
#include <string.h>
#include <winscard.h>

static int hold(SCARDCONTEXT context, const char *reader, DWORD mode, SCARDHANDLE *ret_card)
{
	DWORD protocol;
	LONG r = SCardConnect(context, reader, mode, SCARD_PROTOCOL_ANY, ret_card, &protocol);

	if (r == SCARD_S_SUCCESS && mode == SCARD_SHARE_SHARED)
		r = SCardBeginTransaction(*ret_card);
	puts(r == SCARD_S_SUCCESS ? "HELD" : pcsc_stringify_error(r));
	return r == SCARD_S_SUCCESS ? 0 : 1;
}

int main(int argc, char **argv)
{
	SCARDCONTEXT context;
	SCARDHANDLE card;
	DWORD mode;
	char line[64];

	setlinebuf(stdout);
	if (argc != 3 || SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS)
		return 2;
	mode = strcmp(argv[2], "shared") == 0 ? SCARD_SHARE_SHARED : SCARD_SHARE_EXCLUSIVE;
	if (hold(context, argv[1], mode, &card) != 0)
		return 1;
	while (fgets(line, sizeof(line), stdin)) {
		if (mode == SCARD_SHARE_SHARED)
			SCardEndTransaction(card, SCARD_LEAVE_CARD);
		SCardDisconnect(card, SCARD_LEAVE_CARD);
		puts("RELEASED");
	}
	return 0;
}
