/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The functions that the core's files call in each other; core.h includes it. Each file calls only those
 * above it.
 */

/* report.c: what is reported, and when */
void world_tell(struct world *world, const struct session *session, struct verdict *verdict);
struct verdict removal_verdict(const struct session *session, enum verdict_type type, uint64_t stamp);
void removal_tell(struct world *world, const struct session *session, enum verdict_type type, uint64_t stamp,
		  const char *detail);
void report_later(struct world *world, struct session *session, unsigned reports);
void report_comm_error(struct world *world, struct session *session, uint64_t stamp, const char *detail);
void report_flush(struct world *world);

/* deadline.c */
int deadline_reserve(struct world *world, size_t sessions);
void deadline_set(struct world *world, struct session *session, enum deadline deadline,
		  uint64_t at); /* 0: none */
bool deadline_due(struct world *world, struct session *session, enum deadline deadline);

/* listing.c: asking the sources for everything again */
void listing_ask(struct world *world, enum verdict_type how, enum event_source source, uint64_t stamp);
void listing_complete(struct world *world, struct listing *listing);

/* device.c: facts about USB */
struct device *device_find(const struct world *world, struct usb_address usb);
struct device *device_get(struct world *world, struct usb_address usb); /* makes one; NULL: no memory */
int device_describe(struct world *world, struct device *device, const char *path, const char *id);
/* What readers of a model are called. */
void model_learn_name(struct world *world, const char *id, const char *reader);
void device_watch(struct world *world, struct device *device);
void device_release(struct world *world, struct device *device); /* forgets it when nothing needs it */
void device_free_released(struct world *world);			 /* at an event's end */
void device_claim(struct device *device);			 /* brings its model's list up to date */
bool device_come(struct world *world, struct device *device, const struct event *event);
bool device_leave(struct world *world, struct device *device, enum event_source source, uint64_t stamp);
void device_miss(struct world *world, struct device *device);
bool device_missed(const struct world *world, const struct device *device);
void device_learn_endpoint(struct reader *reader);
void device_unlearn_endpoints(const struct world *world, struct device *device);
struct port *port_get(struct world *world, const char *path); /* makes one; NULL: no memory */
struct device *port_device(const struct port *port);	      /* that is there now; NULL: none */
void port_place(struct world *world, struct session *session, struct port *port); /* NULL: nowhere */
void port_release(struct world *world, struct port *port); /* forgets it when nothing is there */
void device_forget_all(struct world *world);

/* reader.c: facts about PC/SC */
struct reader *reader_find(const struct world *world, const char *name);
struct reader *reader_get(struct world *world, const struct event *event); /* NULL: no memory */
void reader_forget(struct world *world, struct reader *reader);
void reader_forget_all(struct world *world);
bool reader_count_shows_card(uint16_t from, uint16_t to, unsigned recovered);
bool reader_counted_more(const struct reader *reader, const struct login_record *login);
bool reader_counts_again(const struct reader *reader, const struct reader_state *now);
bool reader_is_stale(const struct reader *reader);
bool reader_is_lost(const struct world *world, const struct reader *reader);
bool reader_is_older(const struct reader *reader, const struct device *device);
struct reader *reader_of_stay(const struct world *world, const struct session *session);
bool reader_same_family(const char *a, const char *b); /* names of one driver's readers */
void reader_guess(struct world *world, struct reader *reader, struct device *device);

/* interface.c: a device's CCID interfaces */
unsigned reader_count_interfaces(const struct device *device, uint8_t slot, const struct reader *before);
bool reader_may_have_another(const struct world *world, const struct reader *reader); /* at its device */
bool reader_has_older(const struct device *device, uint8_t slot);
bool slot_is_shared(const struct device *device, uint8_t slot); /* by two of its readers */
bool device_interfaces_guessed(const struct device *device);	/* and a session waits for one of them */
bool device_is_naming(const struct world *world, const struct device *device);
void reader_learn_interface(const struct world *world, struct session *session, const struct reader *reader);

/* infer.c: where a reader is, from what else is known */
void reader_infer_places(struct world *world);

/* whose.c: which reader is a session's */
bool session_device_left(const struct session *session);
bool session_interfaces_disproved(const struct world *world, const struct session *session,
				  const struct device *device);
bool reader_has_card_of(const struct reader *reader, const struct session *session); /* one like its own */
struct reader *reader_of_session(const struct world *world, const struct session *session);
bool reader_is_ambiguous(const struct world *world, const struct session *session);
struct device *device_in_place(const struct session *session);
struct reader *reader_in_place(const struct world *world, const struct session *session);

/* remote_belief.c: pure; of sessions whose card is at their client */
struct remote_reader *remote_named(struct remote_table *table, const char *name);
const struct remote_reader *remote_bound(const struct session *session);
bool remote_has_card_of(const struct remote_reader *reader, const struct session *session);
bool remote_is_here(const struct remote *remote); /* the client */
bool remote_was_out(const struct session *session, const struct remote_reader *reader);
struct belief remote_belief(const struct world *world, const struct session *session);

/* belief.c: pure */
enum hearing hearing_of(const struct world *world, const struct session *session, const struct reader *reader,
			uint64_t *ret_until);
struct belief belief_of(const struct world *world, const struct session *session);

/* plan.c: what a removal would ask for */
struct plan {
	enum step steps[PLAN_STEPS]; /* in this order: the first `locks` at once */
	unsigned locks, count;
	enum action
		losing; /* what the last step does; it loses work, so that it waits for agreement. Or NONE */
	bool cannot_lock; /* nothing is known there that would obey the lock */
};

struct plan plan_action(const struct session *session, const struct settings *settings, enum action action);
enum step plan_step(const struct session *session, enum action action);
unsigned plan_steps(const struct session *session);
enum action plan_first(const struct settings *settings, enum cause cause);
enum action plan_then(const struct settings *settings, const struct plan *first, enum cause cause);
uint64_t plan_settle(const struct settings *settings, enum cause cause);
bool plan_cannot_lock(const struct session *session);
bool plan_nothing_locks(const struct session *session);
bool plan_unlock_shows(const struct session *session, bool locks);
bool plan_agreed(const struct world *world, const struct session *session, unsigned evidence);
bool plan_heeds_pcsc(const struct world *world, const struct session *session);
bool plan_probe_watches(const struct world *world, const struct session *session);

/* act.c: makes the calls */
void act_lock(struct world *world, struct session *session, const struct plan *plan);
void act_losing(struct world *world, struct session *session, enum action action, enum because because);
struct plan act(struct world *world, struct session *session, enum action action, enum because because);

/* sign.c: whether they were obeyed */
void sign_tell(struct world *world, struct session *session, enum outcome outcome, uint64_t stamp,
	       const char *detail);
void sign_end(struct world *world, struct session *session);
void sign_shown(struct world *world, struct session *session, uint64_t stamp);
void sign_over(struct world *world, struct session *session);
void sign_failed(struct world *world, struct session *session, uint64_t stamp, const char *detail);

/* case.c: what is done about a removal, in stages */
void case_open(struct world *world, struct session *session, const struct belief *belief);
void case_word(struct world *world, struct session *session, enum cause cause, enum event_source source,
	       unsigned evidence, uint64_t stamp);
void case_heard(struct world *world, struct session *session, enum cause cause, enum event_source source,
		uint64_t stamp);
void case_confirmed(struct world *world, struct session *session);
void case_contradicted(struct world *world, struct session *session, uint64_t stamp);
void case_cancel(struct world *world, struct session *session, uint64_t stamp, const char *why);
void case_govern(struct world *world, struct session *session);
void case_time(struct world *world, struct session *session);
bool case_hint(struct world *world, struct session *session, bool locked, uint64_t stamp);
void case_ended(struct world *world, struct session *session, uint64_t stamp);
void case_console_locked(struct world *world, struct session *session, uint64_t stamp);

/* bind.c: the insertion that a session is bound to */
void bind_device(struct world *world, struct session *session, struct device *device);
void bind_remote(struct world *world, struct session *session, bool remote);
void bind_begin(struct world *world, struct session *session, uint64_t stamp); /* a new insertion */
void bind_place(struct world *world, struct session *session, const struct device *device);
void bind_reader(struct world *world, struct session *session, struct reader *reader, uint64_t stamp);
void bind_arm(struct world *world, const struct session *session);
void bind_confirm(struct world *world, struct session *session, struct reader *reader, uint64_t stamp);
bool bind_return(struct world *world, struct session *session, uint64_t stamp);
bool bind_after_sleep(struct world *world, struct session *session, uint64_t stamp);

/* keep.c: the tokens of Keep=any. keep_instead(): true, another one stays, and the session is bound to it */
void keep_bound(const struct world *world, struct session *session, const struct login_record *next);
void keep_forget(struct session *session);
void keep_told(struct session *session); /* that another token took over */
bool keep_instead(struct world *world, struct session *session, const struct belief *belief);

/* bind_token.c: the same for a token that is a USB device by itself. bind_token_person(): false, no other one can be meant */
bool bind_token_return(struct world *world, struct session *session, uint64_t stamp);
bool bind_token_after_sleep(struct world *world, struct session *session, uint64_t stamp);
bool bind_token_person(struct world *world, struct session *session, uint64_t stamp);

/* bind_record.c, bind_person.c: … by a login record; by an unlock */
void bind_record(struct world *world, struct session *session, const struct event *event,
		 struct device *device, struct port *port);
void bind_record_remote(struct world *world, struct session *session, const struct event *event);
void bind_new_stay(struct session *session, const struct reader *reader);
void bind_person(struct world *world, struct session *session, uint64_t stamp);

/* remote.c: sessions whose card is at their client */
int remote_reserve(struct session *session);
void remote_record(struct world *world, struct session *session, const struct event *event);
void remote_event(struct world *world, struct session *session, const struct event *event);
void remote_update(struct world *world, struct session *session, uint64_t stamp);
void remote_person(struct world *world, struct session *session, uint64_t stamp);
const struct reader_state *remote_reader_at(const struct session *session, unsigned index);
const char *remote_reader_name(const struct session *session);

/* session.c: one session, after anything that concerns it */
struct session *session_find(const struct world *world, const char *id);
struct session *session_get(struct world *world, const struct login_record *login); /* NULL: no memory */
void session_forget(struct world *world, struct session *session);
void session_update(struct world *world, struct session *session, enum event_source source, uint64_t stamp);
void session_slot(struct world *world, struct session *session, bool present, uint64_t stamp);
void session_govern(struct world *world, struct session *session, const struct governance *governance);
void session_set_kind(struct world *world, struct session *session, unsigned kind, uint64_t stamp);
void session_hint(struct world *world, struct session *session, bool locked, uint64_t stamp);
void session_rebind(struct world *world, struct session *session, uint64_t stamp);
void session_heed_pcsc(struct world *world, struct session *session);
void session_time(struct world *world, struct session *session);

/* locate.c: asking PC/SC where readers are, for as long as that may help */
void locate_begin(struct world *world, const struct device *device);
void locate_device_back(struct world *world, const struct device *device);
void locate_stale(struct world *world, const struct reader *reader);
void locate_unlocated(struct world *world);
void locate_time(struct world *world);

/* update.c: which sessions an event concerns */
void update_all(struct world *world, const struct event *event);
bool update_list(struct world *world, struct session **list, const struct event *event); /* of a device */
bool update_place(struct world *world, struct device *device, const struct event *event);
void update_unlocated(struct world *world, const struct event *event);
void update_inferred(struct world *world, const struct event *event);

/* usb.c: reports of the kernel and udevd */
int usb_added(struct world *world, const struct event *event);
int usb_removed(struct world *world, const struct event *event);
void usb_listed(struct world *world, const struct event *event);
void usb_slot_changed(struct world *world, const struct event *event);

/* pcsc.c: reports of PC/SC */
void pcsc_changed(struct world *world, const struct event *event, bool up);
int pcsc_reader(struct world *world, const struct event *event);
void pcsc_reader_gone(struct world *world, const struct event *event);
void pcsc_listed(struct world *world, const struct event *event);
void pcsc_named(struct world *world, const struct event *event);
void pcsc_dropped(struct world *world, const struct event *event);
