/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/remote_repeats.c - messages that another server sends again because it never saw that they
 * came: the same sender, addressee, type, id and payload on another stream of the same pair, of
 * those that did not end cleanly (as repeats.h of clients).
 */
#include <string.h>

#include "base/mem.h"
#include "base/metrics.h"
#include "core/here.h"
#include "core/metrics.h"
#include "core/remote_pair.h"
#include "core/repeats.h"
#include "loop/worker.h"

#define FIRST_SIZE 16
#define REMEMBERED 1024 /* messages of a pair */
#define REMEMBERED_MS (60 * 60 * 1000)

struct seen {
	uint64_t fingerprint;
	uint64_t stream; /* 0: it ended cleanly */
};

struct remote_seen {
	struct list link; /* remotes->unused, since it has no stream; longest first */
	char *key;
	struct seen *v;
	size_t n, size, next;
	unsigned streams;
	bool lost; /* one ended otherwise */
	int64_t used_ms;
};

static void
seen_free(struct remote_seen *seen)
{
	list_remove(&seen->link);
	table_remove(&here->remotes->seen, seen->key);
	mem_free(seen->key);
	mem_free(seen->v);
	mem_free(seen);
}

static void
forget_old(void)
{
	struct list *unused = &here->remotes->unused;

	while (!list_empty(unused)) {
		struct remote_seen *oldest = list_entry(unused->next, struct remote_seen, link);

		if (worker_now_ms() - oldest->used_ms < REMEMBERED_MS)
			return;
		seen_free(oldest);
	}
}

void
remote_seen_begin(struct remote_source *s)
{
	const char *key = arena_printf(worker_scratch(), "%s\n%s", s->remote, s->local);
	struct remote_seen *seen;

	forget_old();
	seen = table_get(&here->remotes->seen, key);
	if (!seen) {
		seen = mem_new(struct remote_seen);
		seen->key = mem_strdup(key);
		list_init(&seen->link);
		table_put(&here->remotes->seen, seen->key, seen);
	}
	list_remove(&seen->link);
	seen->streams++;
	s->seen = seen;
}

void
remote_seen_end(struct remote_source *s, bool cleanly)
{
	struct remote_seen *seen = s->seen;

	for (size_t i = 0; cleanly && i < seen->n; i++) {
		if (seen->v[i].stream == s->stream)
			seen->v[i].stream = 0;
	}
	seen->lost = seen->lost || !cleanly;
	seen->used_ms = worker_now_ms();
	s->seen = NULL;
	if (--seen->streams > 0)
		return;
	list_push_back(&here->remotes->unused, &seen->link);
	if (!seen->lost)
		seen_free(seen);
}

static void
remember(struct remote_seen *seen, struct seen message)
{
	if (seen->n == seen->size && seen->size < REMEMBERED) {
		seen->size = seen->size ? 2 * seen->size : FIRST_SIZE;
		seen->v = mem_realloc(seen->v, seen->size * sizeof(*seen->v));
	}
	if (seen->n < seen->size) {
		seen->v[seen->n++] = message;
	} else {
		seen->v[seen->next] = message;
		seen->next = (seen->next + 1) % seen->size;
	}
}

bool
remote_is_repeat(struct remote_source *s, const struct hm_stanza *message, const char *to)
{
	struct remote_seen *seen = s->seen;
	uint64_t fingerprint = repeats_fingerprint(message, to);

	if (!fingerprint)
		return false;
	fingerprint ^= hash_stable(message->from, strlen(message->from));
	/* Nothing can come again while all of it came on this stream. */
	for (size_t i = 0; (seen->lost || seen->streams > 1) && i < seen->n; i++) {
		struct seen *before = &seen->v[i];

		if (before->fingerprint != fingerprint || before->stream == s->stream ||
		    before->stream == 0)
			continue;
		before->stream = s->stream;
		metric_add(core_metric(CM_REMOTE_REPEATS), 1);
		return true;
	}
	remember(seen, (struct seen){ fingerprint, s->stream });
	return false;
}
