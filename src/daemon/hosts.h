/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * daemon/hosts.h - the hosts that are served, and which snapshot of the configuration each of
 * their modules runs on.  Worker 0, or before the workers run.
 */
#ifndef DAEMON_HOSTS_H
#define DAEMON_HOSTS_H

#include "daemon/changes.h"
#include "daemon/settings.h"

struct hosts;

/* Builds all hosts, tries their modules' start, publishes them. NULL: why. */
struct hosts *hosts_new(const struct settings *s, struct hm_error *why);
/* After the workers. */
void hosts_free(struct hosts **hosts);

/*
 * Before a reload: builds the hosts that are new.  false: why, and nothing has changed.  What cannot
 * change while running goes to changes.
 */
bool hosts_prepare(struct hosts *hosts, const struct settings *next, struct changes *changes,
                   struct hm_error *why) HM_MUST_USE;
void hosts_discard(struct hosts *hosts);
/* Then: exchanges configurations and admins, publishes the new hosts. */
void hosts_commit(struct hosts *hosts, const struct settings *next);
/* Then, on every worker: tells the modules whose configuration differs. */
void hosts_changed_here(struct hosts *hosts);
/* Then: the old configurations may go. */
void hosts_settled(struct hosts *hosts);

#endif
