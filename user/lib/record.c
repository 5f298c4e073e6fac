/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/names.h"
#include "lib/record_fields.h"

/* ---- where the card is ---------------------------------------------------------------------------------------
 */

static const char *const login_sources[] = {
	[LOGIN_LOCAL] = "local",
	[LOGIN_SSH] = "ssh",
	[LOGIN_XRDP] = "xrdp",
	[LOGIN_ATTACH] = "attach",
};
ASSERT_ROWS(login_sources, LOGIN_SOURCE_COUNT);

const char *login_source_name(enum login_source source)
{
	return source < LOGIN_SOURCE_COUNT ? login_sources[source] : NULL;
}

bool login_source_find(const char *name, enum login_source *ret)
{
	for (enum login_source source = 0; source < LOGIN_SOURCE_COUNT; source++)
		if (strcmp(login_sources[source], name) == 0) {
			*ret = source;
			return true;
		}
	return false;
}

static bool parse_source(const struct field *field _unused_, const char *value, void *to)
{
	return login_source_find(value, to);
}

/* Records of this machine's cards have none of these fields. */
static void format_source(const struct field *field _unused_, const void *from, char *buffer, size_t size)
{
	const enum login_source source = *(const enum login_source *)from;

	snprintf(buffer, size, "%s", source == LOGIN_LOCAL ? "" : login_source_name(source));
}

static bool parse_late(const struct field *field _unused_, const char *value, void *to)
{
	*(bool *)to = strcmp(value, "late") == 0;
	return *(bool *)to || strcmp(value, "login") == 0;
}

static void format_late(const struct field *field _unused_, const void *from, char *buffer, size_t size)
{
	snprintf(buffer, size, "%s", *(const bool *)from ? "late" : "");
}

static bool parse_awaiting(const struct field *field _unused_, const char *value, void *to)
{
	*(bool *)to = strcmp(value, "1") == 0;
	return *(bool *)to;
}

static void format_awaiting(const struct field *field _unused_, const void *from, char *buffer, size_t size)
{
	snprintf(buffer, size, "%s", *(const bool *)from ? "1" : "");
}

static const struct field_kind field_source = {"local, ssh, xrdp or attach", parse_source, format_source,
					       false};
static const struct field_kind field_late = {"login or late", parse_late, format_late, false};
static const struct field_kind field_awaiting = {"1", parse_awaiting, format_awaiting, false};

/* ---- the fields ----------------------------------------------------------------------------------------------
 */

#define SESSION_FIELDS                                                                                       \
	RECORD_STRING(field_session_id, "SESSION", true, session),                                           \
		RECORD_STRING(field_boot_id, "BOOT_ID", true, boot_id),                                      \
		RECORD_NUMBER("UID", uid, 0, UID_MAXIMUM), RECORD_STRING(field_text, "USER", true, user),    \
		RECORD_STRING(field_text, "SERVICE", true, service),                                         \
		RECORD_NUMBER("LEADER", leader, 1, PID_MAXIMUM)

#define SOURCE_FIELD FIELD_OF(field_source, "SOURCE", false, struct login_record, source, 6)

static const struct field record_fields[] = {
	SESSION_FIELDS,
	RECORD_CARD_FIELDS,
	RECORD_STRING(field_text, "TOKEN", false, token),
	RECORD_STRING(field_path, "PCSC_SOCKET", true, pcsc_socket),
	SOURCE_FIELD,
	FIELD_OF(field_late, "BOUND", false, struct login_record, late, 5),
};

/* Of a session whose card has not shown yet. */
static const struct field awaiting_fields[] = {
	SESSION_FIELDS,
	RECORD_STRING(field_path, "PCSC_SOCKET", false, pcsc_socket),
	SOURCE_FIELD,
	FIELD_OF(field_awaiting, "AWAITING", true, struct login_record, awaiting, 1),
};

static bool is_awaiting(const char *text, size_t size)
{
	static const char line[] = "\nAWAITING=";

	return memmem(text, size, line, sizeof(line) - 1) ||
	       (size >= sizeof(line) - 2 && memcmp(text, line + 1, sizeof(line) - 2) == 0);
}

int record_parse(const char *text, size_t size, struct login_record *ret_record,
		 struct record_error *ret_error)
{
	bool awaiting = is_awaiting(text, size);
	struct login_record record = {.card.card = awaiting ? CARD_UNAVAILABLE : CARD_PRESENT};
	int r = fields_parse(awaiting ? awaiting_fields : record_fields,
			     awaiting ? ELEMENTS(awaiting_fields) : ELEMENTS(record_fields), '\n', text, size,
			     &record, ret_error->text, sizeof(ret_error->text));

	if (r < 0)
		return r;
	if (awaiting && record.source == LOGIN_LOCAL) {
		snprintf(ret_error->text, sizeof(ret_error->text), "a card of this machine is not awaited");
		return -EBADMSG;
	}
	/* A record of the card that is bound then has one. */
	if (awaiting && !record.pcsc_socket[0])
		snprintf(record.pcsc_socket, sizeof(record.pcsc_socket), "%s", PCSCD_SOCKET);
	*ret_record = record;
	return 0;
}

ssize_t record_format(const struct login_record *record, char *buffer, size_t size)
{
	return fields_format(record->awaiting ? awaiting_fields : record_fields,
			     record->awaiting ? ELEMENTS(awaiting_fields) : ELEMENTS(record_fields), '\n',
			     record, buffer, size, NULL, 0);
}

/* ---- files ------------------------------------------------------------------------------------------------
 */

_printf_(3, 4) static int refuse_record(struct record_error *error, int r, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return r;
}

static int refuse_system(struct record_error *error, int error_number, const char *what)
{
	return refuse_record(error, -error_number, "%s: %s", what, strerror(error_number));
}

static int open_record(int dir_fd, const char *name, struct record_error *error)
{
	int fd;

	if (!session_id_valid(name))
		return refuse_record(error, -EBADMSG, "the file's name is not a session id");
	/* O_NONBLOCK: a FIFO must not block us before fstat() shows what it is. */
	fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0)
		return fd;
	if (errno == ELOOP)
		return refuse_record(error, -EBADMSG, "is a symbolic link");
	return refuse_system(error, errno, "cannot open it");
}

static int check_record_file(int fd, uid_t owner, struct record_error *error)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return refuse_system(error, errno, "cannot examine it");
	if (!S_ISREG(st.st_mode))
		return refuse_record(error, -EBADMSG, "is not a regular file");
	if (st.st_nlink != 1)
		return refuse_record(error, -EBADMSG, "has %ju links instead of one", (uintmax_t)st.st_nlink);
	if (st.st_uid != owner)
		return refuse_record(error, -EBADMSG, "is owned by uid %ju instead of %ju",
				     (uintmax_t)st.st_uid, (uintmax_t)owner);
	if ((st.st_mode & 07777) != 0600)
		return refuse_record(error, -EBADMSG, "has mode %04o instead of 0600", st.st_mode & 07777);
	if (st.st_size > RECORD_FILE_MAX)
		return refuse_record(error, -EBADMSG, "is larger than %u bytes", RECORD_FILE_MAX);
	return 0;
}

/* Reads at most `size` bytes; how many, or a negative errno. */
static ssize_t read_up_to(int fd, char *buffer, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t n = read(fd, buffer + used, size - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

int record_read(int dir_fd, const char *name, uid_t owner, const char *boot_id,
		struct login_record *ret_record, struct record_error *ret_error)
{
	_cleanup_close_ int fd = open_record(dir_fd, name, ret_error);
	char text[RECORD_FILE_MAX + 1]; /* one more, to see a file that grew after fstat() */
	struct login_record record;
	ssize_t size;
	int r;

	if (fd < 0)
		return fd;
	r = check_record_file(fd, owner, ret_error);
	if (r < 0)
		return r;
	size = read_up_to(fd, text, sizeof(text));
	if (size < 0)
		return refuse_system(ret_error, (int)-size, "cannot read it");
	if ((size_t)size > RECORD_FILE_MAX)
		return refuse_record(ret_error, -EBADMSG, "is larger than %u bytes", RECORD_FILE_MAX);
	r = record_parse(text, (size_t)size, &record, ret_error);
	if (r < 0)
		return r;
	if (strcmp(record.session, name) != 0)
		return refuse_record(ret_error, -EBADMSG, "field SESSION= is %s, not the file's name",
				     record.session);
	if (strcmp(record.boot_id, boot_id) != 0)
		return refuse_record(ret_error, -EBADMSG, "field BOOT_ID= is not of this boot: %s",
				     record.boot_id);
	*ret_record = record;
	return 0;
}

static int write_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, text, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Leaves no file behind when it fails. */
static int write_new(int dir_fd, const char *name, const char *text, size_t size)
{
	_cleanup_close_ int fd =
		openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
	int r;

	if (fd < 0)
		return -errno;
	/* The host program's umask may take bits away. */
	r = fchmod(fd, 0600) < 0 ? -errno : write_all(fd, text, size);
	if (r < 0)
		unlinkat(dir_fd, name, 0);
	return r;
}

int record_write(int dir_fd, const struct login_record *record)
{
	char text[RECORD_FILE_MAX], temporary[SESSION_ID_SIZE + 20];
	uint64_t nonce;
	ssize_t size;
	int r;

	size = record_format(record, text, sizeof(text));
	if (size < 0)
		return (int)size;
	if (getrandom(&nonce, sizeof(nonce), 0) != (ssize_t)sizeof(nonce))
		return -EIO;
	snprintf(temporary, sizeof(temporary), ".%s.%016jx", record->session, (uintmax_t)nonce);
	r = write_new(dir_fd, temporary, text, (size_t)size);
	if (r < 0)
		return r;
	if (renameat(dir_fd, temporary, dir_fd, record->session) < 0) {
		r = -errno;
		unlinkat(dir_fd, temporary, 0);
	}
	return r;
}

/* Creates the directory if it is missing. It must belong to us, and nobody else may write to it. */
static int open_dir(int parent_fd, const char *path, mode_t mode)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	bool made = mkdirat(parent_fd, path, mode) == 0;

	if (!made && errno != EEXIST)
		return -errno;
	fd = openat(parent_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (made && fchmod(fd, mode) < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid != geteuid() || (st.st_mode & 07777 & ~mode))
		return -EPERM;
	return steal_fd(&fd);
}

int record_dir_open(void)
{
	_cleanup_close_ int parent_fd = open_dir(AT_FDCWD, "/run/scpolicyd", 0755);

	if (parent_fd < 0)
		return parent_fd;
	return open_dir(parent_fd, "sessions", 0700);
}
