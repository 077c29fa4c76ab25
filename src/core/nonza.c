/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/nonza.c - elements from a client that are no stanzas.  They are not counted by stream
 * management, go nowhere, and none but those of stream management may come before a resource is bound.
 */
#include "core/nonza.h"

#include <string.h>

#include "core/here.h"
#include "core/sm.h"
#include "core/user.h"

bool
nonza_is(const struct hm_elem *root)
{
	return strcmp(root->ns, NS_CLIENT) != 0;
}

/* Few modules have one, and few of them. */
static bool
tell_module(struct hm_session *s, const struct hm_elem *root)
{
	struct host *h = s->user->entity.host;
	struct hm_mod **mods = mods_of(h);

	for (unsigned i = 0; i < h->n_modules; i++) {
		const struct hm_module *decl = mods[i]->slot->module->decl;

		for (size_t k = 0; k < decl->nonzas.n; k++) {
			if (!elem_is(root, decl->nonzas.v[k].ns, decl->nonzas.v[k].name))
				continue;
			doing(mods[i], "nonza", s->jid);
			decl->nonzas.v[k].received(mods[i], s, root);
			done_doing();
			return true;
		}
	}
	return false;
}

void
nonza_received(struct hm_session *s, const struct hm_elem *root)
{
	if (strcmp(root->ns, NS_SM) == 0)
		sm_received(s, root);
	else if (!s->bound)
		session_close(s, STREAM_NOT_AUTHORIZED, "Bind a resource first.",
		              HM_CLOSED_BY_SERVER);
	else if (!tell_module(s, root))
		session_close(s, STREAM_UNSUPPORTED_STANZA_TYPE, NULL, HM_CLOSED_BY_SERVER);
}
