/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An IFD handler for pcscd: vsmartcard's virtual readers, which besides tell a USB address as libccid does (its
 * IFDHGetCapabilities() for SCARD_ATTR_CHANNEL_ID). 1:2 is no device that a machine without USB has.
 */
#include <dlfcn.h>
#include <ifdhandler.h>
#include <reader.h>
#include <stdint.h>
#include <string.h>

#define VPCD "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"

#define CHANNEL_ID 0x00200102U /* USB, bus 1, device 2 */

static void *vpcd(const char *name)
{
	static void *library;

	if (!library)
		library = dlopen(VPCD, RTLD_NOW);
	return library ? dlsym(library, name) : NULL;
}

#define FORWARD(name, parameters, arguments)                                                                 \
	RESPONSECODE name parameters                                                                         \
	{                                                                                                    \
		RESPONSECODE(*function) parameters = vpcd(#name);                                            \
		return function ? function arguments : IFD_COMMUNICATION_ERROR;                              \
	}

FORWARD(IFDHCreateChannel, (DWORD lun, DWORD channel), (lun, channel))
FORWARD(IFDHCreateChannelByName, (DWORD lun, LPSTR name), (lun, name))
FORWARD(IFDHCloseChannel, (DWORD lun), (lun))
FORWARD(IFDHSetCapabilities, (DWORD lun, DWORD tag, DWORD size, PUCHAR value), (lun, tag, size, value))
FORWARD(IFDHSetProtocolParameters, (DWORD lun, DWORD protocol, UCHAR flags, UCHAR p1, UCHAR p2, UCHAR p3),
	(lun, protocol, flags, p1, p2, p3))
FORWARD(IFDHPowerICC, (DWORD lun, DWORD action, PUCHAR atr, PDWORD size), (lun, action, atr, size))
FORWARD(IFDHTransmitToICC,
	(DWORD lun, SCARD_IO_HEADER send, PUCHAR request, DWORD request_size, PUCHAR answer,
	 PDWORD answer_size, PSCARD_IO_HEADER receive),
	(lun, send, request, request_size, answer, answer_size, receive))
FORWARD(IFDHICCPresence, (DWORD lun), (lun))
FORWARD(IFDHControl,
	(DWORD lun, DWORD code, PUCHAR request, DWORD request_size, PUCHAR answer, DWORD size,
	 LPDWORD answer_size),
	(lun, code, request, request_size, answer, size, answer_size))

RESPONSECODE IFDHGetCapabilities(DWORD lun, DWORD tag, PDWORD size, PUCHAR value)
{
	const uint32_t channel = CHANNEL_ID;
	RESPONSECODE (*function)(DWORD, DWORD, PDWORD, PUCHAR) = vpcd("IFDHGetCapabilities");

	if (tag != SCARD_ATTR_CHANNEL_ID)
		return function ? function(lun, tag, size, value) : IFD_COMMUNICATION_ERROR;
	if (*size < sizeof(channel))
		return IFD_ERROR_INSUFFICIENT_BUFFER;
	memcpy(value, &channel, sizeof(channel));
	*size = sizeof(channel);
	return IFD_SUCCESS;
}
