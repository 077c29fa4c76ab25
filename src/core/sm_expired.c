/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/sm_expired.c - sessions that could have been resumed and are over: their clients are told
 * what was handled (XEP-0198 5).  A bounded table per worker, which forgets the oldest first.
 *
 * An id has a public part, by which it is found, and a secret one, which is compared in constant time.
 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/here.h"
#include "core/sm.h"
#include "core/user.h"
#include "crypto/hash.h"

#define EXPIRED_MAX 20000
#define EXPIRED_MS (60 * 60 * 1000)

struct expired {
	struct list link; /* in here->expired, oldest first */
	int64_t until_ms;
	uint32_t h;
	char id[SM_ID_CHARS + 1];
	char bare[];
};

bool
sm_same_id(const char *known, const char *given)
{
	return strlen(given) == SM_ID_CHARS && crypto_equal(known, given, SM_ID_CHARS);
}

static struct expired *
find(const char *id)
{
	return table_get_n(&here->expired_by_id, id, SM_ID_PUBLIC);
}

static void
forget(struct expired *e)
{
	table_remove_n(&here->expired_by_id, e->id, SM_ID_PUBLIC);
	list_remove(&e->link);
	mem_free(e);
}

static void
forget_old(void)
{
	while (!list_empty(&here->expired)) {
		struct expired *e = list_entry(here->expired.next, struct expired, link);

		if (e->until_ms > clock_mono_ms() &&
		    table_count(&here->expired_by_id) < EXPIRED_MAX)
			return;
		forget(e);
	}
}

void
sm_expired_add(const struct hm_session *s)
{
	const char *bare = s->user->entity.address;
	struct expired *e = find(s->sm->id);

	if (e) /* of ids that only begin alike: one in 2^60 */
		forget(e);
	forget_old();
	e = mem_zalloc(sizeof(*e) + strlen(bare) + 1);
	e->until_ms = clock_mono_ms() + EXPIRED_MS;
	e->h = sm_handled(s);
	memcpy(e->id, s->sm->id, sizeof(e->id));
	memcpy(e->bare, bare, strlen(bare) + 1);
	list_push_back(&here->expired, &e->link);
	table_put_n(&here->expired_by_id, e->id, SM_ID_PUBLIC, e);
}

bool
sm_expired_find(const char *bare, const char *id, uint32_t *h)
{
	struct expired *e;

	forget_old();
	if (strlen(id) != SM_ID_CHARS)
		return false;
	e = find(id);
	if (!e || !sm_same_id(e->id, id) || strcmp(e->bare, bare) != 0)
		return false;
	*h = e->h;
	return true;
}
