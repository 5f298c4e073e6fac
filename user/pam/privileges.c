/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"

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

/* What pcscd, or somebody in its place, might have a helper do that it took over. */
static int forbid_calls(void)
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
		SCMP_SYS(keyctl),
	};
	_cleanup_(seccomp_release_p) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r = 0;

	if (!filter)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < ELEMENTS(fatal); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, fatal[i], 0);
	if (r == 0)
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
	return r < 0 ? r : forbid_calls();
}
