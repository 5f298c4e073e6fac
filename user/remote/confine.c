/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "remote/confine.h"

#include <cap-ng.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "lib/cleanup.h"
#include "lib/log.h"

DEFINE_CLEANUP(scmp_filter_ctx, seccomp_release)

static const int allowed[] = {
	/* The daemon's connections, the far ends that it passes, standard error. */
	SCMP_SYS(accept4), SCMP_SYS(getsockopt), SCMP_SYS(recvmsg), SCMP_SYS(recvfrom), SCMP_SYS(sendmsg),
	SCMP_SYS(sendto), SCMP_SYS(shutdown), SCMP_SYS(write), SCMP_SYS(close),
	/* Waiting. */
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(restart_syscall), SCMP_SYS(clock_gettime),
#ifdef __SANITIZE_ADDRESS__
	/* Its runtime's memory. */
	SCMP_SYS(munmap), SCMP_SYS(madvise), SCMP_SYS(futex), SCMP_SYS(sigaltstack), SCMP_SYS(getpid),
#endif
	/* Ending. */
	SCMP_SYS(rt_sigreturn), SCMP_SYS(exit), SCMP_SYS(exit_group)};

static int restrict_calls(void)
{
	/* Refuse instead of kill: a newer C library that tries something new must not end the watch. */
	_cleanup_(seccomp_release_p) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = filter ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < ELEMENTS(allowed); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
#ifdef __SANITIZE_ADDRESS__
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
#endif
	return r < 0 ? r : seccomp_load(filter);
}

static int drop_capabilities(void)
{
	capng_select_t set =
		capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) ? CAPNG_SELECT_ALL : CAPNG_SELECT_CAPS;

	capng_clear(CAPNG_SELECT_ALL);
	return capng_apply(set) < 0 ? -EPERM : 0;
}

int confine_watcher(void)
{
	const char *root = getenv("RUNTIME_DIRECTORY");

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		return -errno;
	/* Without it the list of calls has to do: no file can be opened at all. */
	if (root && chroot(root) < 0)
		log_notice(
			"the watcher of remote cards keeps the file system that it sees: cannot enter %s: %m",
			root);
	if (root && chdir("/") < 0)
		return -errno;
	if (drop_capabilities() < 0)
		return -EPERM;
	return restrict_calls();
}
