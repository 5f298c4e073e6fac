/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No far end, of either dialect, makes the watcher leave its buffers, believe what is no reader, or wait for ever: the first
 * byte chooses the dialect, then a byte says how many bytes follow, or that time passes.
 */
#include <assert.h>
#include <string.h>

#include "remote/far_end.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct far_end *far)
{
	assert(far->count <= REMOTE_READERS_MAX);
	assert(far->in_wanted <= sizeof(far->in) && far->out_used <= sizeof(far->out));
	assert(far->over || far->in_used <= far->in_wanted);
	assert(!far->over || (far->detail[0] && !far->out_used && !far->in_wanted));
	/* It asks, or it is silent: a client that may come back may stay away for ever. */
	assert(far->over || far->deadline || far->silent);
	for (unsigned i = 0; i < far->count; i++) {
		assert(far->readers[i].name[0] && memchr(far->readers[i].name, '\0', READER_NAME_SIZE));
		assert(far->readers[i].card <= CARD_PRESENT && far->readers[i].atr.size <= ATR_SIZE);
		assert(far->readers[i].slot <= 31);
		for (unsigned j = 0; j < i; j++)
			assert(strcmp(far->readers[i].name, far->readers[j].name) != 0);
	}
}

/* Hands over up to `size` bytes as recv() would; how many were taken. */
static size_t give(struct far_end *far, const uint8_t *data, size_t size, uint64_t now)
{
	size_t room = far->in_wanted - far->in_used;

	size = size < room ? size : room;
	memcpy(far->in + far->in_used, data, size);
	far_end_take(far, size, now);
	return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct far_end far;
	const uint8_t *end = data + size;
	uint64_t now = 1;

	if (size < 1)
		return 0;
	far_end_start(&far, *data & 1 ? DIALECT_PCSCLITE : DIALECT_XRDP, now);
	data++;
	while (data < end && !far.over) {
		size_t step = *data++;

		check(&far);
		far.out_used = 0;
		if (step >= 0xf0 && far.deadline) {
			now = far.deadline;
			far_end_time(&far, now);
		} else if (step >= 0xe0)
			/* As many zeros as are wanted: most of a list of readers. */
			while (far.in_used < far.in_wanted && !far.over) {
				static const uint8_t zeros[FAR_IN_SIZE];
				size_t left = far.in_wanted - far.in_used;

				now++;
				give(&far, zeros, left > step ? step : left, now);
				if (!(step & 1))
					break;
			}
		else if (far.in_wanted > far.in_used)
			data += give(&far, data, step < (size_t)(end - data) ? step : (size_t)(end - data),
				     ++now);
	}
	check(&far);
	return 0;
}
