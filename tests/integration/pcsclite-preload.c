/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into the worker: libpcsclite as it is since 2.1, two halves, of which the second, libpcsclite_real.so.1, is
 * loaded by the first SCardEstablishContext() and by nothing else (its src/libredirect.c).
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <winscard.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void *real;

static void load(void)
{
	real = dlopen("libpcsclite_real.so.1", RTLD_LAZY);
	if (!real)
		fprintf(stderr, "%s\n", dlerror());
}

#define FORWARD(name, arguments, ...)                                                                        \
	LONG name arguments                                                                                  \
	{                                                                                                    \
		LONG(*next) arguments = real ? dlsym(real, #name) : NULL;                                    \
                                                                                                             \
		return next ? next(__VA_ARGS__) : SCARD_F_INTERNAL_ERROR;                                    \
	}

LONG SCardEstablishContext(DWORD scope, LPCVOID reserved1, LPCVOID reserved2, LPSCARDCONTEXT ret)
{
	LONG (*next)(DWORD, LPCVOID, LPCVOID, LPSCARDCONTEXT);

	pthread_once(&once, load);
	next = real ? dlsym(real, "SCardEstablishContext") : NULL;
	return next ? next(scope, reserved1, reserved2, ret) : SCARD_F_INTERNAL_ERROR;
}

FORWARD(SCardReleaseContext, (SCARDCONTEXT context), context)
FORWARD(SCardCancel, (SCARDCONTEXT context), context)
FORWARD(SCardListReaders, (SCARDCONTEXT context, LPCSTR groups, LPSTR ret_names, LPDWORD size), context,
	groups, ret_names, size)
FORWARD(SCardGetStatusChange, (SCARDCONTEXT context, DWORD timeout, SCARD_READERSTATE *states, DWORD count),
	context, timeout, states, count)
FORWARD(SCardConnect,
	(SCARDCONTEXT context, LPCSTR reader, DWORD share, DWORD protocols, LPSCARDHANDLE ret_card,
	 LPDWORD ret_protocol),
	context, reader, share, protocols, ret_card, ret_protocol)
FORWARD(SCardDisconnect, (SCARDHANDLE card, DWORD disposition), card, disposition)
FORWARD(SCardGetAttrib, (SCARDHANDLE card, DWORD id, LPBYTE ret_value, LPDWORD size), card, id, ret_value,
	size)
