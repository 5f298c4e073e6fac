/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/ids.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"

bool session_id_valid(const char *id)
{
	static const char allowed[] = "0123456789"
				      "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t length = strnlen(id, SESSION_ID_SIZE);

	return length > 0 && length < SESSION_ID_SIZE && strspn(id, allowed) == length;
}

int boot_id_read(char ret_boot_id[static BOOT_ID_SIZE])
{
	_cleanup_fclose_ FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	char uuid[37] = "", boot_id[BOOT_ID_SIZE];
	size_t used = 0;

	if (!file)
		return -errno;
	if (!fgets(uuid, sizeof(uuid), file))
		return -EIO;
	for (const char *p = uuid; *p && used < BOOT_ID_SIZE - 1; p++)
		if (*p != '-')
			boot_id[used++] = *p;
	boot_id[used] = '\0';
	if (used != BOOT_ID_SIZE - 1 || strspn(boot_id, "0123456789abcdef") != used)
		return -EIO;
	memcpy(ret_boot_id, boot_id, BOOT_ID_SIZE);
	return 0;
}
