// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * card-atr: prints the ATR of the card in the first reader. Exit status 0: it is in, powered, and answers. What a case
 * asks again and again; opensc-tool, which does the same, takes seconds of an emulated CPU to load.
 */
#include <stdio.h>
#include <winscard.h>

int main(void)
{
	char readers[1024];
	DWORD size = sizeof(readers), atr_size = MAX_ATR_SIZE, protocol;
	BYTE atr[MAX_ATR_SIZE];
	SCARDCONTEXT context;
	SCARDHANDLE card;

	if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS ||
	    SCardListReaders(context, NULL, readers, &size) != SCARD_S_SUCCESS ||
	    SCardConnect(context, readers, SCARD_SHARE_SHARED, SCARD_PROTOCOL_ANY, &card, &protocol) !=
		    SCARD_S_SUCCESS ||
	    SCardStatus(card, NULL, NULL, NULL, NULL, atr, &atr_size) != SCARD_S_SUCCESS)
		return 1;
	for (DWORD i = 0; i < atr_size; i++)
		printf("%02X", atr[i]);
	putchar('\n');
	SCardDisconnect(card, SCARD_LEAVE_CARD);
	SCardReleaseContext(context);
	return 0;
}
