/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <security/pam_ext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/pam_message.h"
#include "tests/unit/pam_stage.h"

char pam_stage_folder[64];
char pam_stage_module[PATH_MAX];
char pam_stage_logged[PAM_STAGE_LOG_SIZE];

/* The module's messages come here in the place of libpam's. */
void pam_vsyslog(_unused_ const pam_handle_t *pamh, _unused_ int priority, const char *format,
		 va_list arguments)
{
	size_t used = strlen(pam_stage_logged);

	vsnprintf(pam_stage_logged + used, sizeof(pam_stage_logged) - used, format, arguments);
	strncat(pam_stage_logged, "\n", sizeof(pam_stage_logged) - strlen(pam_stage_logged) - 1);
}

void pam_syslog(const pam_handle_t *pamh, int priority, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	pam_vsyslog(pamh, priority, format, arguments);
	va_end(arguments);
}

static const char *in_folder(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", pam_stage_folder, name);
	return path;
}

void pam_stage_put(const char *name, mode_t mode, const char *format, ...)
{
	_cleanup_close_ int fd = open(in_folder(name), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, mode);
	va_list arguments;

	assert_true(fd >= 0);
	va_start(arguments, format);
	vdprintf(fd, format, arguments);
	va_end(arguments);
	assert_int_equal(fchmod(fd, mode), 0);
}

const char *pam_stage_asked(const char *verb)
{
	static char text[PAM_MESSAGE_MAX + 1];
	_cleanup_close_ int fd = open(in_folder(verb), O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[size > 0 ? size : 0] = '\0';
	return text;
}

void pam_stage_set_helper(const char *script)
{
	static const char *const verbs[] = {"look", "record", "rebind", "ask", "prove"};

	for (size_t i = 0; i < ELEMENTS(verbs); i++)
		unlink(in_folder(verbs[i]));
	unlink(in_folder("helper"));
	if (script)
		pam_stage_put("helper", 0755, "%s%s", script[0] == '#' ? "" : "#!/bin/sh\n", script);
	setenv("SCPOLICYD_TEST_HELPER", in_folder("helper"), 1);
	pam_stage_logged[0] = '\0';
}

int pam_stage_answer_nothing(_unused_ int count, _unused_ const struct pam_message **messages,
			     _unused_ struct pam_response **responses, _unused_ void *data)
{
	return PAM_CONV_ERR;
}

pam_handle_t *pam_stage_start(const char *arguments, const char *user)
{
	static const struct pam_conv conversation = {.conv = pam_stage_answer_nothing};
	pam_handle_t *pamh = NULL;

	pam_stage_put("service", 0644,
		      "auth required pam_permit.so\n"
		      "auth optional %s %s\n"
		      "account required pam_permit.so\n"
		      "session required %s %s\n",
		      pam_stage_module, arguments, pam_stage_module, arguments);
	assert_int_equal(pam_start_confdir("service", user, &conversation, pam_stage_folder, &pamh),
			 PAM_SUCCESS);
	return pamh;
}

int pam_stage_make(_unused_ void **state)
{
	char self[PATH_MAX] = "";

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return -1;
	snprintf(pam_stage_module, sizeof(pam_stage_module), "%.4000s/pam_scpolicy.so", dirname(self));
	strcpy(pam_stage_folder, "/tmp/test_pam.XXXXXX");
	return mkdtemp(pam_stage_folder) ? 0 : -1;
}

int pam_stage_remove(_unused_ void **state)
{
	pam_stage_set_helper(NULL);
	unlink(in_folder("service"));
	return rmdir(pam_stage_folder);
}

void pam_stage_put_environment(pam_handle_t *pamh, const char *const *variables, size_t count)
{
	for (size_t i = 0; i < count && variables[i]; i++)
		assert_int_equal(pam_putenv(pamh, variables[i]), PAM_SUCCESS);
}
