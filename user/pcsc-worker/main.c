/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scpolicyd-pcsc-worker: watches the readers of one PC/SC service on behalf of scpolicyd, which starts it
 * with a socket as file descriptor 3 (worker_message.h). PCSCLITE_CSOCK_NAME chooses the service.
 */
#include <dlfcn.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "pcsc-worker/address.h"
#include "pcsc-worker/channel.h"
#include "pcsc-worker/interrupt.h"
#include "pcsc-worker/sandbox.h"
#include "pcsc-worker/service.h"
#include "pcsc-worker/watch.h"

/* If pcscd serves for less than this and then fails, the worker waits before it asks again. */
#define SERVED_WELL_NS 10000000000U

struct worker {
	struct interrupt *interrupt;
	struct address_finder *finder;
	struct service *service;
	struct watch *watch;
};

static int worker_setup(struct worker *worker)
{
	int r = sandbox_drop_privileges();

	if (r < 0)
		return r;
	/*
	 * libpcsclite 2.x loads its other half at the first connection, when the worker cannot open files any
	 * more: load it now.
	 */
	dlopen("libpcsclite_real.so.1", RTLD_NOW);
	r = service_new(&worker->service);
	if (r == 0)
		r = interrupt_new(&worker->interrupt);
	if (r == 0)
		r = address_finder_new(worker->interrupt, &worker->finder);
	if (r == 0)
		r = watch_new(worker->interrupt, worker->finder, &worker->watch);
	return r < 0 ? r : sandbox_restrict_calls();
}

static void worker_serve(struct worker *worker, SCARDCONTEXT context)
{
	uint64_t since = channel_stamp();
	LONG r;

	channel_send(WORKER_PCSC_UP, since, 0);
	r = watch_run(worker->watch, context);
	channel_send(WORKER_PCSC_DOWN, channel_stamp(), 0);
	log_debug("pcscd lost: 0x%08lX", (unsigned long)r & 0xffffffffU);
	SCardReleaseContext(context);
	if (channel_stamp() - since > SERVED_WELL_NS)
		service_reached(worker->service);
}

static _Noreturn void worker_run(struct worker *worker)
{
	bool reported = false;
	SCARDCONTEXT context;

	for (;;) {
		context = service_connect();
		if (context) {
			worker_serve(worker, context);
			reported = true;
		} else if (!reported) {
			channel_send(WORKER_PCSC_DOWN, channel_stamp(), 0);
			reported = true;
		}
		service_wait(worker->service);
	}
}

int main(void)
{
	struct worker worker = {0};
	int type, r;
	socklen_t size = sizeof(type);

	if (getsockopt(WORKER_FD, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_SEQPACKET) {
		fprintf(stderr, "scpolicyd-pcsc-worker is started by scpolicyd, not by hand.\n");
		return 2;
	}
	r = worker_setup(&worker);
	if (r < 0) {
		log_error("PC/SC worker cannot start: %s", strerror(-r));
		return EXIT_FAILURE;
	}
	worker_run(&worker);
}
