// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pcsc-client SESSION: the least that a program on PC/SC can do: it waits in SCardGetStatusChange() for the
 * card or the reader to go, without polling, and has logind lock the session.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <winscard.h>

#define LOGIND "org.freedesktop.login1"

/* Returns when the card in the first reader, or that reader, is gone. */
static bool wait_for_removal(SCARDCONTEXT context)
{
	char readers[1024];
	DWORD size = sizeof(readers);
	SCARD_READERSTATE states[2] = {{.szReader = readers}, {.szReader = "\\\\?PnP?\\Notification"}};
	bool present = false;
	LONG result;

	if (SCardListReaders(context, NULL, readers, &size) != SCARD_S_SUCCESS) {
		SCardGetStatusChange(context, 1000, &states[1], 1); /* until a reader comes */
		return false;
	}
	for (;;) {
		result = SCardGetStatusChange(context, INFINITE, states, 1);
		if (result != SCARD_S_SUCCESS || !(states[0].dwEventState & SCARD_STATE_PRESENT))
			break;
		present = true;
		states[0].dwCurrentState = states[0].dwEventState;
	}
	if (result == SCARD_S_SUCCESS && !present) {
		states[0].dwCurrentState = states[0].dwEventState;
		SCardGetStatusChange(context, INFINITE, states, 1); /* until a card comes */
	}
	return present;
}

int main(int argc, char **argv)
{
	SCARDCONTEXT context;
	sd_bus *bus;

	if (argc != 2 || sd_bus_open_system(&bus) < 0 ||
	    SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS) {
		fprintf(stderr, "usage: pcsc-client SESSION, as root, with pcscd\n");
		return 1;
	}
	for (;;) {
		if (wait_for_removal(context))
			sd_bus_call_method(bus, LOGIND, "/org/freedesktop/login1", LOGIND ".Manager",
					   "LockSession", NULL, NULL, "s", argv[1]);
	}
}
