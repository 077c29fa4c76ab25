/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Keeps from a client what its user need not see now. XEP-0352 1.0.0, XEP-0203 2.0.
 *
 * While a client is inactive, what can wait is kept in its session, and of presence, chat states and
 * PEP only what is newest. Something urgent takes with it all that waits, before it: nothing is
 * overtaken, and the radio is on anyway. A session that hibernates (XEP-0198) stays inactive; one
 * that is resumed is active.
 */
#include <string.h>

#include <hermod/custody.h>

#include "csi.h"

#define NS_CSI "urn:xmpp:csi:0"

struct csi_config {
	struct hm_conf_list hold;
	int64_t max_stanzas;
	size_t max_bytes;
	uint32_t max_age;
};

struct csi_session {
	struct csi_kept kept;
	bool inactive, timed;
};

static const char *const hold_words[] = { "chat_states", "receipts",  "reactions", "pep",
	                                  "presence",    "groupchat", NULL };

static const struct hm_conf_key csi_keys[] = {
	HM_KEY(struct csi_config, hold, LIST, "[ chat_states receipts pep presence ]",
	       .choices = hold_words,
	       .doc = "What waits while a client is inactive; groupchat: texts in rooms that do not mention the user."),
	HM_KEY(struct csi_config, max_stanzas, INT, "300", .min = "1", .max = "2000",
	       .doc = "Stanzas that wait for one client; beyond, all go out."),
	HM_KEY(struct csi_config, max_bytes, SIZE, "1 MiB", .min = "4 KiB", .max = "4 MiB",
	       .doc = "Memory of the stanzas that wait for one client; beyond, all go out."),
	HM_KEY(struct csi_config, max_age, DURATION, "unlimited", .min = "1 s", .max = "unlimited",
	       .doc = "Time after which all that waits goes out."),
};

enum { HELD, FOLDED, FLUSHED, INACTIVE, METRICS };
static const struct hm_metric csi_metrics[METRICS] = {
	[HELD] = { "hermod_csi_stanzas_held", "Stanzas kept back from inactive clients.",
	           HM_COUNTER },
	[FOLDED] = { "hermod_csi_stanzas_folded",
	             "Of them, those that a newer one has made unnecessary.", HM_COUNTER },
	[FLUSHED] = { "hermod_csi_stanzas_flushed", "Of them, those sent later.", HM_COUNTER },
	[INACTIVE] = { "hermod_csi_sessions_inactive", "Sessions whose client is inactive.",
	               HM_GAUGE },
};

/* --- What waits ------------------------------------------------------------------------------------ */

static void
flush(struct hm_mod *m, struct hm_session *s)
{
	struct csi_session *c = hm_session_state(m, s);

	if (c->kept.n > 0)
		hm_count(m, FLUSHED, csi_write(m, s, &c->kept));
}

static bool
may_wait(const struct csi_config *cfg, enum csi_kind kind)
{
	if (kind == CSI_URGENT)
		return false;
	for (size_t i = 0; i < cfg->hold.n; i++) {
		if (strcmp(cfg->hold.v[i], hold_words[kind - CSI_CHAT_STATE]) == 0)
			return true;
	}
	return false;
}

static void too_old(struct hm_mod *m, struct hm_session *s);

/* One timer, which no stanza moves. */
static void
time_it(struct hm_mod *m, struct hm_session *s)
{
	const struct csi_config *cfg = hm_config(m);
	struct csi_session *c = hm_session_state(m, s);
	int64_t ms = (csi_oldest_us(&c->kept) - hm_now_us()) / 1000 + cfg->max_age;

	if (c->timed || c->kept.n == 0 || cfg->max_age == HM_UNLIMITED_DURATION)
		return;
	c->timed = true;
	hm_after_session(m, s,
	                 ms < 1              ? 1
	                 : ms > cfg->max_age ? cfg->max_age
	                                     : (uint32_t)ms,
	                 too_old);
}

static void
too_old(struct hm_mod *m, struct hm_session *s)
{
	const struct csi_config *cfg = hm_config(m);
	struct csi_session *c = hm_session_state(m, s);

	c->timed = false;
	if (c->kept.n > 0 && hm_now_us() - csi_oldest_us(&c->kept) >= cfg->max_age * INT64_C(1000))
		flush(m, s);
	time_it(m, s);
}

static enum hm_next
csi_deliver(struct hm_mod *m, struct hm_session *s, struct hm_letter *l)
{
	const struct csi_config *cfg = hm_config(m);
	struct csi_session *c = hm_session_state(m, s);
	const struct hm_stanza *stanza = hm_letter_stanza(l);
	struct csi_verdict v;

	if (!c->inactive)
		return HM_CONTINUE;
	v = csi_judge(s, stanza);
	if (v.replaces && csi_forget(&c->kept, v.replaces))
		hm_count(m, FOLDED, 1);
	if (!may_wait(cfg, v.kind)) {
		flush(m, s);
		return HM_CONTINUE;
	}
	if (v.key && csi_forget(&c->kept, v.key))
		hm_count(m, FOLDED, 1);
	csi_keep(&c->kept, stanza, hm_letter_to(l), hm_letter_id(l), &v);
	hm_count(m, HELD, 1);
	if (c->kept.n > (size_t)cfg->max_stanzas || c->kept.bytes > cfg->max_bytes)
		flush(m, s);
	time_it(m, s);
	return HM_STOP;
}

/* --- The state of the client -------------------------------------------------------------------------- */

static void
set_inactive(struct hm_mod *m, struct hm_session *s, bool inactive)
{
	struct csi_session *c = hm_session_state(m, s);

	if (c->inactive != inactive)
		hm_count(m, INACTIVE, inactive ? 1 : -1);
	c->inactive = inactive;
	hm_session_set_inactive(m, s, inactive);
}

static void
csi_inactive(struct hm_mod *m, struct hm_session *s, const struct hm_elem *e)
{
	set_inactive(m, s, true);
}

/* 5.1: before anything that the client asks for next. */
static void
csi_active(struct hm_mod *m, struct hm_session *s, const struct hm_elem *e)
{
	set_inactive(m, s, false);
	flush(m, s);
}

/* 5.2 */
static void
csi_resumed(struct hm_mod *m, struct hm_session *s)
{
	set_inactive(m, s, false);
	flush(m, s);
}

/* Now it is undelivered as if it had been written and not been read. */
static void
csi_ending(struct hm_mod *m, struct hm_session *s)
{
	struct csi_session *c = hm_session_state(m, s);

	set_inactive(m, s, false);
	csi_write(m, s, &c->kept);
}

/* XEP-0198 5: a planned restart; it stays inactive until it is resumed. */
static void
csi_session_save(struct hm_mod *m, struct hm_session *s, struct hm_writer *w)
{
	struct csi_session *c = hm_session_state(m, s);

	hm_attr_int(w, "inactive", c->inactive);
	csi_save(&c->kept, w);
}

static void
csi_session_restore(struct hm_mod *m, struct hm_session *s, const struct hm_elem *saved)
{
	struct csi_session *c = hm_session_state(m, s);
	const char *inactive = hm_elem_attr(saved, "inactive");

	set_inactive(m, s, inactive && strcmp(inactive, "1") == 0);
	csi_restore(&c->kept, saved);
	time_it(m, s);
}

static void
csi_session_free(struct hm_mod *m, struct hm_session *s)
{
	struct csi_session *c = hm_session_state(m, s);

	csi_kept_free(&c->kept);
}

/* --- Declaration ------------------------------------------------------------------------------------------ */

static const struct hm_stream_feature csi_stream_features[] = {
	{ .xml = "<csi xmlns='" NS_CSI "'/>" },
};
static const struct hm_nonza csi_nonzas[] = {
	{ NS_CSI, "active", csi_active },
	{ NS_CSI, "inactive", csi_inactive },
};
static const struct hm_hook csi_hooks[] = {
	HM_HOOK(client_deliver, HM_HANDLE, csi_deliver),
	HM_ON(session_resumed, csi_resumed),
	HM_ON(session_ending, csi_ending),
};
static const struct hm_spec csi_specs[] = {
	{ "XEP-0203", "2.0", NULL },
	{ "XEP-0352", "1.0.0", "Users cannot choose what waits for their own clients (3.2, MAY)." },
};

HM_MODULE(csi) = {
	.summary = "Clients that nobody looks at",
	.specs = HM_TABLE(csi_specs),
	.hooks = HM_TABLE(csi_hooks),
	.stream_features = HM_TABLE(csi_stream_features),
	.nonzas = HM_TABLE(csi_nonzas),
	.metrics = HM_TABLE(csi_metrics),
	.config = HM_TABLE(csi_keys),
	.config_size = sizeof(struct csi_config),
	.session_state_size = sizeof(struct csi_session),
	.session_free = csi_session_free,
	.session_save = csi_session_save,
	.session_restore = csi_session_restore,
};
