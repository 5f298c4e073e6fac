/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process with the person's rights: it reads the person's ticket cache, and asks the KDC. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "pam/gssapi.h"
#include "pam/privileges.h"
#include "pam/prove.h"

#ifdef HAVE_GSSAPI
static void write_all(int fd, const unsigned char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, bytes, size);

		if (n <= 0)
			return;
		bytes += n;
		size -= (size_t)n;
	}
}

/* Of the machine whose key the other process has: the library finds the whole name. */
static void present(int fd)
{
	struct gssapi gssapi;
	char name[] = "host";
	gss_buffer_desc text = {sizeof(name) - 1, name}, ticket = GSS_C_EMPTY_BUFFER;
	gss_ctx_id_t context = GSS_C_NO_CONTEXT;
	gss_name_t host = GSS_C_NO_NAME;
	OM_uint32 minor;

	if (!gssapi_load(&gssapi) ||
	    GSS_ERROR(gssapi.gss_import_name(&minor, &text, *gssapi.hostbased, &host)))
		return;
	gssapi.gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &context, host, GSS_C_NO_OID, 0, 0,
				    GSS_C_NO_CHANNEL_BINDINGS, GSS_C_NO_BUFFER, NULL, &ticket, NULL, NULL);
	write_all(fd, ticket.value, ticket.length);
}

/* Nobody else ends it: the helper has lost the right to when it waits. */
static _Noreturn void run(const struct pam_request *request, unsigned int seconds, int fd, pid_t helper)
{
	clearenv();
	if (setenv("KRB5CCNAME", request->ticket_cache, 1) == 0 &&
	    privileges_become((uid_t)request->record.uid) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
	    getppid() == helper) {
		alarm(seconds);
		present(fd);
	}
	_exit(0);
}

int prove_present(const struct pam_request *request, unsigned int seconds, int *ret_fd)
{
	pid_t helper = getpid(), pid;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		run(request, seconds, fds[1], helper);
	close_fd(fds[1]);
	if (pid < 0) {
		close_fd(fds[0]);
		return -EAGAIN;
	}
	*ret_fd = fds[0];
	return 0;
}
#endif
