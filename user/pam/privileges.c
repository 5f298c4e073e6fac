/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pam/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"

#define FILTER_ATTEMPTS 5
#define AGAIN_USEC	20000

/* A group that owns nothing. */
#define NOBODY 65534

DEFINE_CLEANUP(scmp_filter_ctx, seccomp_release)

/* su and sudo are set-user-id: their real user is somebody else, and so are their groups. */
static int become_root(void)
{
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return -errno;
	return 0;
}

static int drop_capabilities(void)
{
	/* The bounding set may be out of reach in a container; no_new_privs makes it worthless. */
	capng_select_t set =
		capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) ? CAPNG_SELECT_ALL : CAPNG_SELECT_CAPS;

	capng_clear(CAPNG_SELECT_ALL);
	return capng_apply(set) < 0 ? -EPERM : 0;
}

/* What pcscd, or an impostor in its place, might have a helper do after taking it over. With `network` it may use that, and keyrings. */
static int forbid_calls(bool network)
{
	static const int fatal[] = {
		SCMP_SYS(execve),
		SCMP_SYS(execveat),
		SCMP_SYS(fork),
		SCMP_SYS(vfork),
		SCMP_SYS(ptrace),
		SCMP_SYS(process_vm_readv),
		SCMP_SYS(process_vm_writev),
		SCMP_SYS(bpf),
		SCMP_SYS(mount),
		SCMP_SYS(init_module),
		SCMP_SYS(finit_module),
		SCMP_SYS(kexec_load),
		SCMP_SYS(unshare),
		SCMP_SYS(setns),
		SCMP_SYS(io_uring_setup),
	};
	_cleanup_(seccomp_release_p) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r = 0;

	if (!filter)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < ELEMENTS(fatal); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, fatal[i], 0);
	if (r == 0 && !network)
		r = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(keyctl), 0);
	if (r == 0 && !network)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
				     SCMP_A0(SCMP_CMP_NE, AF_UNIX));
	return r < 0 ? r : seccomp_load(filter);
}

int privileges_drop(void)
{
	int r;

	umask(077);
	if (chdir("/") < 0)
		return -errno;
	r = become_root();
	if (r == 0)
		r = drop_capabilities();
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	/* Memory that was lacking may be there now. The filter is built from nothing each time. */
	for (int attempt = 0; r == 0 && attempt < FILTER_ATTEMPTS; attempt++) {
		r = forbid_calls(false);
		if (r == 0)
			return 0;
		usleep(AGAIN_USEC);
		r = attempt + 1 < FILTER_ATTEMPTS ? 0 : r;
	}
	return r;
}

/* Refuse instead of kill: a library that wants a cache or a lock can do without it. */
static int refuse_changes(scmp_filter_ctx filter)
{
	static const int refused[] = {
		SCMP_SYS(creat),
		SCMP_SYS(truncate),
		SCMP_SYS(mkdir),
		SCMP_SYS(mkdirat),
		SCMP_SYS(rmdir),
		SCMP_SYS(unlink),
		SCMP_SYS(unlinkat),
		SCMP_SYS(rename),
		SCMP_SYS(renameat),
		SCMP_SYS(renameat2),
		SCMP_SYS(link),
		SCMP_SYS(linkat),
		SCMP_SYS(symlink),
		SCMP_SYS(symlinkat),
		SCMP_SYS(mknod),
		SCMP_SYS(mknodat),
		SCMP_SYS(chmod),
		SCMP_SYS(fchmod),
		SCMP_SYS(fchmodat),
		SCMP_SYS(chown),
		SCMP_SYS(lchown),
		SCMP_SYS(fchown),
		SCMP_SYS(fchownat),
		SCMP_SYS(setxattr),
		SCMP_SYS(lsetxattr),
		SCMP_SYS(fsetxattr),
		SCMP_SYS(removexattr),
		SCMP_SYS(lremovexattr),
		SCMP_SYS(fremovexattr),
		SCMP_SYS(utime),
		SCMP_SYS(utimes),
		SCMP_SYS(futimesat),
		SCMP_SYS(utimensat),
		SCMP_SYS(bind),
		SCMP_SYS(kill),
		SCMP_SYS(tkill),
		SCMP_SYS(rt_sigqueueinfo),
		SCMP_SYS(rt_tgsigqueueinfo),
		SCMP_SYS(pidfd_send_signal),
		SCMP_SYS(pidfd_getfd),
		SCMP_SYS(setpriority),
		SCMP_SYS(sched_setscheduler),
		SCMP_SYS(sched_setparam),
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ELEMENTS(refused); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
	return r;
}

/* openat2() has its flags where the filter cannot see them; programs fall back to openat(). */
static int refuse_opening(scmp_filter_ctx filter)
{
	static const unsigned int writing[] = {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC};
	int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(openat2), 0);

	for (size_t i = 0; r == 0 && i < ELEMENTS(writing); i++) {
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(open), 1,
				     SCMP_A1(SCMP_CMP_MASKED_EQ, writing[i], writing[i]));
		if (r == 0)
			r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 1,
					     SCMP_A2(SCMP_CMP_MASKED_EQ, writing[i], writing[i]));
	}
	return r;
}

/* abort() and a thread's end signal the process itself. It may signal, or limit, no other process. */
static int refuse_others(scmp_filter_ctx filter)
{
	int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(tgkill), 1,
				 SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid()));

	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 1,
				     SCMP_A0(SCMP_CMP_NE, 0));
	return r;
}

int privileges_make_reader(void)
{
	_cleanup_(seccomp_release_p) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r = filter ? refuse_changes(filter) : -ENOMEM;

	if (r == 0)
		r = refuse_opening(filter);
	if (r == 0)
		r = refuse_others(filter);
	return r < 0 ? r : seccomp_load(filter);
}

int privileges_become(uid_t uid)
{
	umask(077);
	if (chdir("/") < 0 || setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(uid, uid, uid) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return forbid_calls(true);
}
