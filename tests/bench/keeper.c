// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * keeper: a PC/SC client that keeps the card powered, so that a removal can follow the last one within seconds
 * (pcscd powers a card down 5 s after its last use, and hears nothing of a reader meanwhile). It holds a shared
 * connection, no lock, and waits for nothing: no removal wakes it. On SIGUSR1 it waits for a card and connects
 * anew; "ready" is then printed.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>
#include <winscard.h>

static bool connect_card(SCARDCONTEXT context, SCARDHANDLE *ret_card)
{
	char readers[1024];
	DWORD size = sizeof(readers), protocol;

	return SCardListReaders(context, NULL, readers, &size) == SCARD_S_SUCCESS &&
	       SCardConnect(context, readers, SCARD_SHARE_SHARED, SCARD_PROTOCOL_ANY, ret_card, &protocol) ==
		       SCARD_S_SUCCESS;
}

int main(void)
{
	SCARDCONTEXT context;
	SCARDHANDLE card = 0;
	sigset_t signals;
	int number;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS)
		return 1;
	puts("started");
	while (sigwait(&signals, &number) == 0) {
		if (card)
			SCardDisconnect(card, SCARD_LEAVE_CARD);
		while (!connect_card(context, &card))
			usleep(100 * 1000);
		puts("ready");
	}
	return 1;
}
