/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/kernel_audit.h"

#include <inttypes.h>
#include <libaudit.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cap-ng.h>

#include "actions/outlet.h"
#include "lib/cleanup.h"
#include "lib/log.h"

struct kernel_audit {
	sd_event_source *child;
	struct outlet *outlet;
	int socket; /* to the child; -1 once that has ended */
};

DEFINE_CLEANUP(struct kernel_audit *, kernel_audit_free)

/* ---- what is written ------------------------------------------------------------------------------------ */

/*
 * linux/audit.h and libaudit.h say what they are for: a device that comes and goes (USBGuard uses it too), and the
 * answers of an automatic response: "terminal was locked", "terminate session", "anomaly not reacted to".
 */
static const struct message_type {
	const char *event;
	const char *action; /* NULL: any, or none */
	int type;
} message_types[] = {
	{"removal", NULL, AUDIT_USER_DEVICE},	   {"action", "none", AUDIT_RESP_ANOMALY},
	{"action", "lock", AUDIT_RESP_TERM_LOCK},  {"action", NULL, AUDIT_RESP_TERM_ACCESS},
	{"outcome", "lock", AUDIT_RESP_TERM_LOCK}, {"outcome", NULL, AUDIT_RESP_TERM_ACCESS},
	{"config", NULL, AUDIT_USYS_CONFIG},
};

static const struct message_type *find_type(const struct trail_entry *entry)
{
	const char *event = entry->text[TRAIL_EVENT], *action = entry->text[TRAIL_ACTION];

	for (size_t i = 0; event && i < ELEMENTS(message_types); i++) {
		const struct message_type *type = &message_types[i];

		if (strcmp(type->event, event) == 0 &&
		    (!type->action || (action && strcmp(type->action, action) == 0)))
			return type;
	}
	return NULL;
}

/* Names are of audit's own dictionary where it has one: op, acct. The kernel adds pid, uid and the like. */
static const struct {
	const char *name;
	enum trail_text text;
	bool foreign; /* encoded when it holds a blank, a quote or a control character */
} fields[] = {
	{"op", TRAIL_EVENT, false},	 {"acct", TRAIL_USER, true},	    {"session", TRAIL_SESSION, true},
	{"reader", TRAIL_READER, true},	 {"cause", TRAIL_CAUSE, false},	    {"source", TRAIL_SOURCE, false},
	{"action", TRAIL_ACTION, false}, {"outcome", TRAIL_OUTCOME, false}, {"rule", TRAIL_RULE, true},
};

static void add_field(char *text, const char *name, const char *value, bool foreign)
{
	_cleanup_free_ char *encoded = foreign ? audit_encode_nv_string(name, value, 0) : NULL;
	size_t used = strlen(text), left = KERNEL_AUDIT_TEXT - used;
	int length;

	if (foreign && !encoded)
		return;
	length = encoded ? snprintf(text + used, left, "%s%s", used ? " " : "", encoded)
			 : snprintf(text + used, left, "%s%s=%s", used ? " " : "", name, value);
	/* A field whole, or none of it: half of an encoded one would be another value. */
	if (length < 0 || (size_t)length >= left)
		text[used] = '\0';
}

/* An unverified lock is no success. */
static bool succeeded(const struct trail_entry *entry)
{
	const char *outcome = entry->text[TRAIL_OUTCOME];

	return entry->priority > LOG_ERR && (!outcome || strcmp(outcome, "verified") == 0);
}

bool kernel_audit_message(const struct trail_entry *entry, struct kernel_audit_message *ret)
{
	const struct message_type *type = find_type(entry);

	if (!type)
		return false;
	ret->type = type->type;
	ret->success = succeeded(entry);
	ret->text[0] = '\0';
	for (size_t i = 0; i < ELEMENTS(fields); i++)
		if (entry->text[fields[i].text])
			add_field(ret->text, fields[i].name, entry->text[fields[i].text], fields[i].foreign);
	return true;
}

/* ---- the child ------------------------------------------------------------------------------------------ */

static void close_between(int first, int last)
{
	if (first <= last)
		close_range((unsigned)first, (unsigned)last, 0);
}

/* This process needs none of the daemon's descriptors, and only one of its capabilities. */
static int shed(int audit, int socket)
{
	int low = audit < socket ? audit : socket, high = audit < socket ? socket : audit;
	/* Without CAP_SETPCAP the bounding set stays; no_new_privs makes it worthless all the same. */
	capng_select_t set =
		capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS;

	prctl(PR_SET_NAME, "scpolicyd-audit");
	log_set_writer(NULL, NULL); /* of the daemon's loop, which this process does not have */
	close_between(STDERR_FILENO + 1, low - 1);
	close_between(low + 1, high - 1);
	close_range((unsigned)high + 1, ~0U, 0);
	capng_clear(CAPNG_SELECT_BOTH);
	capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_AUDIT_WRITE);
	if (capng_apply(set) < 0)
		return -EPERM;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/*
 * Ends when the daemon closes its end of the socket, after writing what is still in it, or when the kernel
 * refuses.
 */
static void write_message(int audit, int socket)
{
	struct kernel_audit_message message;

	while (recv(socket, &message, sizeof(message), 0) == (ssize_t)sizeof(message)) {
		message.text[sizeof(message.text) - 1] = '\0';
		/* No terminal: "" stands for unknown, NULL would be looked up. */
		if (audit_log_user_message(audit, message.type, message.text, NULL, NULL, "",
					   message.success) > 0)
			continue;
		log_warning("cannot write to the kernel audit log: %m");
		return;
	}
}

/* Its process id, or a negative errno. */
static pid_t fork_child(int audit, int socket)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		if (shed(audit, socket) == 0)
			write_message(audit, socket);
		_exit(0);
	}
	return pid;
}

/* ---- the daemon's end ----------------------------------------------------------------------------------- */

static int on_writer_exit(sd_event_source *source _unused_, const siginfo_t *info _unused_, void *userdata)
{
	struct kernel_audit *audit = userdata;

	log_info("the kernel audit log is not written to any more");
	outlet_watch(audit->outlet, -1);
	audit->socket = close_fd(audit->socket);
	return 0;
}

static ptrdiff_t send_message(void *userdata, const char *bytes, size_t size)
{
	const struct kernel_audit *audit = userdata;
	ssize_t sent = send(audit->socket, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	return sent < 0 ? -errno : sent;
}

static void report_lost_messages(void *userdata _unused_, uint64_t lost)
{
	log_warning("the kernel audit log did not keep up: %" PRIu64 " entries were dropped there", lost);
}

int kernel_audit_new(sd_event *event, struct kernel_audit **ret)
{
	_cleanup_(kernel_audit_free_p) struct kernel_audit *audit = calloc(1, sizeof(*audit));
	_cleanup_close_ int netlink = -1, theirs = -1;
	int pair[2], r;

	if (!audit)
		return -ENOMEM;
	audit->socket = -1;
	netlink = audit_open();
	if (netlink < 0)
		return -errno;
	if (!audit_can_write())
		return -EPERM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	audit->socket = pair[0];
	theirs = pair[1];
	r = outlet_new(event, send_message, report_lost_messages, audit, &audit->outlet);
	if (r < 0)
		return r;
	outlet_watch(audit->outlet, audit->socket);
	r = fork_child(netlink, theirs);
	if (r > 0)
		r = sd_event_add_child(event, &audit->child, r, WEXITED, on_writer_exit, audit);
	if (r < 0)
		return r;
	*ret = steal_pointer(audit);
	return 0;
}

struct kernel_audit *kernel_audit_free(struct kernel_audit *audit)
{
	if (!audit)
		return NULL;
	sd_event_source_disable_unref(audit->child);
	outlet_free(audit->outlet);
	close_fd(audit->socket);
	free(audit);
	return NULL;
}

void kernel_audit_write(struct kernel_audit *audit, const struct trail_entry *entry)
{
	struct kernel_audit_message message = {0};

	if (!kernel_audit_is_on(audit) || !kernel_audit_message(entry, &message))
		return;
	outlet_send(audit->outlet, (const char *)&message, sizeof(message));
}

uint64_t kernel_audit_lost(const struct kernel_audit *audit)
{
	return audit ? outlet_lost(audit->outlet) : 0;
}

bool kernel_audit_is_on(const struct kernel_audit *audit)
{
	return audit && audit->socket >= 0;
}
