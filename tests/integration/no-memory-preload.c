/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded: one allocation fails. NO_MEMORY names a file that processes share: the 32 bits in it count down with every
 * allocation of the program, and the one that finds 1 fails. 0: none does. NO_MEMORY_ALONE: no program that it runs counts.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static volatile uint32_t *left;

/* The program says from where on it counts; that is from its start, unless NO_MEMORY_WAITS is set. */
static int counting;

__attribute__((constructor)) static void open_counter(void)
{
	const char *path = getenv("NO_MEMORY");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *map =
		fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*left), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (fd >= 0)
		close(fd);
	left = map == MAP_FAILED ? NULL : map;
	counting = !getenv("NO_MEMORY_WAITS");
	if (getenv("NO_MEMORY_ALONE"))
		unsetenv("LD_PRELOAD");
}

void no_memory_from_here(void);
void no_memory_from_here(void)
{
	counting = 1;
}

static int fails(void)
{
	if (!counting || !left || !left[0] || --left[0])
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}
