/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pcsc-worker/sandbox.h"

#include <cap-ng.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/worker_message.h"

DEFINE_CLEANUP(scmp_filter_ctx, seccomp_release)

/* Without CAP_SETPCAP the bounding set stays; no_new_privs makes it worthless all the same. */
static int keep_capabilities(bool chroot)
{
	capng_select_t set =
		capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) ? CAPNG_SELECT_ALL : CAPNG_SELECT_CAPS;

	capng_clear(CAPNG_SELECT_ALL);
	if (chroot)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_SYS_CHROOT);
	return capng_apply(set) < 0 ? -EPERM : 0;
}

int sandbox_drop_privileges(void)
{
	if (close_range(WORKER_FD + 1, ~0U, 0) < 0)
		return -errno;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0) < 0)
		return -errno;
	return keep_capabilities(capng_have_capability(CAPNG_PERMITTED, CAP_SYS_CHROOT));
}

int sandbox_enter(const char *folder, bool *ret_entered)
{
	*ret_entered = folder && chroot(folder) == 0;
	if (folder && !*ret_entered)
		log_notice("the PC/SC worker can reach more than pcscd's socket: cannot enter %s: %m",
			   folder);
	if (*ret_entered && chdir("/") < 0)
		return -errno;
	return keep_capabilities(false);
}

static const int allowed[] = {
	/* The sockets to pcscd and to the daemon, messages on standard error, inotify. */
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(sendto), SCMP_SYS(recvfrom),
	SCMP_SYS(sendmsg), SCMP_SYS(recvmsg), SCMP_SYS(connect), SCMP_SYS(shutdown), SCMP_SYS(close),
	/* Waiting. */
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(futex), SCMP_SYS(restart_syscall), SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(sched_yield),
	/*
	 * To see whether pcscd's socket is there: before each connection and, by libpcsclite, once a minute.
	 */
	SCMP_SYS(stat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(inotify_add_watch),
	/* stdio examines standard error before its first line. */
	SCMP_SYS(fstat),
	/* The clock, where the vDSO does not have it. */
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
	/* malloc(): memory, on how many processors, and random numbers for its cache. */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(sched_getaffinity),
	SCMP_SYS(getrandom),
	/* A thread's first steps, which may come after this filter. */
	SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(rt_sigprocmask), SCMP_SYS(gettid),
#ifdef __SANITIZE_ADDRESS__
	SCMP_SYS(sigaltstack), /* its runtime's part in a thread's first steps */
#endif
	/* Ending; libpcsclite notes its process id against use after fork. */
	SCMP_SYS(rt_sigreturn), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(getpid)};

/*
 * Our code never makes these calls, so a process that does was taken over: it is killed. All other calls are
 * refused with EPERM.
 */
static const int fatal[] = {
	/* Another program, */
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork),
	/* another process's memory, */
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	/* the kernel's. */
	SCMP_SYS(bpf), SCMP_SYS(mount), SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(kexec_load)};

/*
 * Only local sockets; only memory that cannot be executed; of fcntl, only what makes pcscd's socket
 * non-blocking.
 */
static int sandbox_allow_some(scmp_filter_ctx filter)
{
	const struct {
		int call;
		struct scmp_arg_cmp argument;
	} some[] = {
		{SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_UNIX)},
		{SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
		{SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
		{SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_GETFL)},
		{SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_SETFL)},
	};
	int r;

	for (size_t i = 0; i < ELEMENTS(some); i++) {
		r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, some[i].call, 1, &some[i].argument);
		if (r < 0)
			return r;
	}
	return 0;
}

static int sandbox_add(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
	int r;

	for (size_t i = 0; i < count; i++) {
		r = seccomp_rule_add(filter, action, calls[i], 0);
		if (r < 0)
			return r;
	}
	return 0;
}

int sandbox_restrict_calls(void)
{
	/* Refuse instead of kill: a newer C library that tries something new must not end the watch. */
	_cleanup_(seccomp_release_p) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r;

	if (!filter)
		return -ENOMEM;
	r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (r == 0)
		r = sandbox_add(filter, SCMP_ACT_ALLOW, allowed, ELEMENTS(allowed));
	if (r == 0)
		r = sandbox_add(filter, SCMP_ACT_KILL_PROCESS, fatal, ELEMENTS(fatal));
	if (r == 0)
		r = sandbox_allow_some(filter);
	return r < 0 ? r : seccomp_load(filter);
}
