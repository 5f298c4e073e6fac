/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether the daemon runs, and what it reports about itself. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ctl/doctor.h"

#define UNIT	     "scpolicyd.service"
#define SYSTEMD	     "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"

static const struct finding deaf_pcscd = {
	"pcscd-deaf", SEVERITY_FAULT,
	"Its reader is plugged in and pcscd does not know it: no card in it can sign in or be noticed by PC/SC.",
	"systemctl restart pcscd; HealPcscd=yes in scpolicyd.conf(5) has the daemon do that. If it stays so, pcscd has no "
	"driver for the reader, or must not open it."};
static const struct finding masked = {"service-masked", SEVERITY_FAULT, "Nothing starts a masked service.",
				      "systemctl unmask scpolicyd && systemctl enable --now scpolicyd"};
static const struct finding not_found = {"service-missing", SEVERITY_FAULT,
					 "systemd knows no scpolicyd.service.",
					 "Install scpolicyd; after make install: systemctl daemon-reload"};
static const struct finding not_enabled = {
	"service-disabled", SEVERITY_WARNING,
	"Only udev starts it, when a reader is plugged in; nothing starts it at boot.",
	"systemctl enable scpolicyd"};
static const struct finding failed = {
	"service-down", SEVERITY_FAULT, "Nothing acts on a removal while it does not run.",
	"journalctl -u scpolicyd -b says why; then: systemctl restart scpolicyd"};
static const struct finding down = {"service-down", SEVERITY_FAULT,
				    "Nothing acts on a removal while it does not run.",
				    "systemctl start scpolicyd"};
static const struct finding silent = {"daemon-silent", SEVERITY_FAULT,
				      "Its unit runs, but it does not answer on the system bus.",
				      "systemctl restart scpolicyd; see journalctl -u scpolicyd -b"};
static const struct finding no_bus = {"not-looked-at", SEVERITY_NOTE,
				      "So nothing is known about the service, nor about the daemon's own "
				      "reports.",
				      NULL};
static const struct finding runs = {"service", SEVERITY_OK, NULL, NULL};
static const struct finding no_probe = {
	"probe-missing", SEVERITY_WARNING,
	"Only uevents, udev and PC/SC report removals, tens to hundreds of milliseconds later.",
	"The kernel needs BPF and BTF (/sys/kernel/btf/vmlinux), lockdown short of confidentiality, and the unit all its "
	"capabilities (systemctl cat scpolicyd); journalctl -u scpolicyd -b says what was refused."};
static const struct finding deaf_probe = {
	"probe-deaf", SEVERITY_WARNING,
	"While ftrace is switched off, the probe sees nothing and the kernel does not say so: removals are "
	"noticed later.",
	"sysctl kernel.ftrace_enabled=1, and keep it so."};
static const struct finding probe = {"probe", SEVERITY_OK, NULL, NULL};
static const struct finding degraded = {"degraded", SEVERITY_WARNING, "The daemon reports this about itself.",
					"See journalctl -u scpolicyd -b."};
static const struct finding lost = {
	"messages-lost", SEVERITY_NOTE,
	"After each loss, the daemon compared every session again; it may have acted on a removal late.",
	NULL};

/* ---- the unit ------------------------------------------------------------------------------------------- */

DEFINE_CLEANUP(sd_bus_message *, sd_bus_message_unref)

struct unit {
	char *load, *active, *file;
};

static void unit_clear(struct unit *unit)
{
	free(unit->load);
	free(unit->active);
	free(unit->file);
}

static int unit_property(sd_bus *bus, const char *path, const char *name, char **ret)
{
	return sd_bus_get_property_string(bus, SYSTEMD, path, SYSTEMD ".Unit", name, NULL, ret);
}

static int ask_systemd(sd_bus *bus, struct unit *unit)
{
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *answer = NULL;
	const char *path;
	int r = sd_bus_call_method(bus, SYSTEMD, SYSTEMD_PATH, SYSTEMD ".Manager", "LoadUnit", NULL, &answer,
				   "s", UNIT);

	if (r >= 0)
		r = sd_bus_message_read(answer, "o", &path);
	if (r >= 0)
		r = unit_property(bus, path, "LoadState", &unit->load);
	if (r >= 0)
		r = unit_property(bus, path, "ActiveState", &unit->active);
	if (r >= 0)
		r = unit_property(bus, path, "UnitFileState", &unit->file);
	return r;
}

static bool check_unit(struct doctor *doctor)
{
	_cleanup_(unit_clear) struct unit unit = {0};
	int r = ask_systemd(doctor->ctl->bus, &unit);

	if (r < 0) {
		doctor_unseen(doctor, "what systemd knows about scpolicyd.service", r);
		return true;
	}
	if (strcmp(unit.load, "masked") == 0)
		doctor_report(doctor, &masked, UNIT, "the service is masked");
	else if (strcmp(unit.load, "loaded") != 0)
		doctor_report(doctor, &not_found, UNIT, "the service is not loaded: %s", unit.load);
	else if (strcmp(unit.file, "disabled") == 0)
		doctor_report(doctor, &not_enabled, UNIT, "the service is not enabled");
	if (strcmp(unit.active, "active") == 0 || strcmp(unit.active, "reloading") == 0)
		return true;
	doctor_report(doctor, strcmp(unit.active, "failed") == 0 ? &failed : &down, UNIT,
		      "the daemon does not run: %s", unit.active);
	return false;
}

/* A masked unit is a link to /dev/null, which does not exist below another root. */
static void check_unit_files(struct doctor *doctor)
{
	static const char *const masks[] = {"/etc/systemd/system/" UNIT, "/run/systemd/system/" UNIT};
	static const char *const files[] = {"/etc/systemd/system/" UNIT, "/usr/lib/systemd/system/" UNIT,
					    "/lib/systemd/system/" UNIT,
					    "/usr/local/lib/systemd/system/" UNIT};
	bool found = false;

	for (size_t i = 0; i < ELEMENTS(masks); i++) {
		_cleanup_close_ int link = doctor_open(doctor, masks[i], O_PATH | O_NOFOLLOW);
		char target[32] = "";

		if (link >= 0 && readlinkat(link, "", target, sizeof(target) - 1) > 0 &&
		    strcmp(target, "/dev/null") == 0) {
			doctor_report(doctor, &masked, masks[i], "the service is masked");
			return;
		}
	}
	for (size_t i = 0; i < ELEMENTS(files) && !found; i++) {
		_cleanup_close_ int fd = doctor_open(doctor, files[i], O_PATH);

		found = fd >= 0;
	}
	if (!found)
		doctor_report(doctor, &not_found, UNIT, "the service is not installed");
}

/* ---- what the daemon says ------------------------------------------------------------------------------- */

static struct json_object *call_daemon(struct doctor *doctor, const char *method, int *ret_error)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct json_object *answer = NULL;

	*ret_error = client_ask(doctor->ctl, method, NULL, 0, &answer, &error);
	return answer;
}

static void check_probe(struct doctor *doctor)
{
	static const char ftrace[] = "/proc/sys/kernel/ftrace_enabled";
	const char *kind = tree_string(doctor->status, "probe");
	_cleanup_free_ char *enabled = NULL;

	if (!*kind)
		return;
	if (strcmp(kind, "none") == 0)
		doctor_report(doctor, &no_probe, NULL, "the kernel probe is not there");
	else if (doctor_read(doctor, ftrace, &enabled) >= 0 && *enabled == '0')
		doctor_report(doctor, &deaf_probe, ftrace, "the kernel probe hears nothing");
	else
		doctor_report(doctor, &probe, NULL, "the kernel probe listens (%s)", kind);
}

static void check_status(struct doctor *doctor)
{
	struct json_object *clauses = tree_get(doctor->status, "degraded");

	doctor_report(doctor, &runs, NULL, "the daemon runs, version %s",
		      tree_string(doctor->status, "version"));
	check_probe(doctor);
	if (tree_has(doctor->status, "pcscd_deaf"))
		doctor_report(doctor, &deaf_pcscd, "pcscd", "%s", tree_string(doctor->status, "pcscd_deaf"));
	for (size_t i = 0; i < tree_count(clauses); i++)
		doctor_report(doctor, &degraded, NULL, "%s",
			      json_object_get_string(json_object_array_get_idx(clauses, i)));
	if (tree_number(doctor->status, "lost") > 0)
		doctor_report(doctor, &lost, NULL, "a source has lost messages, %llu times",
			      (unsigned long long)tree_number(doctor->status, "lost"));
}

void doctor_service(struct doctor *doctor)
{
	int r;

	if (!doctor_is_live(doctor)) {
		check_unit_files(doctor);
		return;
	}
	r = client_open(doctor->ctl);
	if (r < 0)
		doctor_report(doctor, &no_bus, NULL, "there is no system bus here: %s", strerror(-r));
	if (r < 0 || !check_unit(doctor))
		return;
	doctor->status = call_daemon(doctor, "GetStatus", &r);
	if (r == -EHOSTUNREACH)
		doctor_report(doctor, &silent, BUS_NAME, "the daemon does not answer");
	else if (r < 0)
		doctor_unseen(doctor, "the daemon's status", r);
	if (!doctor->status)
		return;
	check_status(doctor);
	doctor->sessions = call_daemon(doctor, "ListSessions", &r);
	doctor->readers = call_daemon(doctor, "ListReaders", &r);
	if (r < 0)
		doctor_unseen(doctor, "the daemon's readers", r);
}
