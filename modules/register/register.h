/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * register.h - in-band registration: what the files of this module share.
 */
#ifndef MODULES_REGISTER_H
#define MODULES_REGISTER_H

#include <hermod/module.h>

enum { REGISTER_COUNT, REGISTER_STATEMENTS };
enum { REGISTERED, LIMITED, REGISTER_METRICS };

struct register_config {
	bool open;
	int64_t per_address;
	int64_t per_host;
	uint32_t window;
	int64_t min_password;
	struct hm_conf_list reserved_names;
	const char *instructions;
	bool change_password;
	bool cancel;
};

/* One per host and worker. */
struct register_state {
	struct hm_table *sources; /* address prefix -> struct source; NULL: none */
	int64_t searched_s;       /* when old ones were looked for last; uptime */
};

/* --- limits.c --- */
/* Counts this attempt and, within the limits of its address and its host, goes on to register_create(), now or later; else refuses. */
void register_within_limits(struct hm_mod *m, struct hm_iq *rq);
void register_stop(struct hm_mod *m);

/* --- mod_register.c --- */
void register_create(struct hm_mod *m, struct hm_iq *rq);

#endif
