/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Entity Time: tells who asks what the server's clock shows.
 * XEP-0202 2.0, in the format of XEP-0082 3.  The time zone tells where the machine may stand
 * (section 6), so the offset is that of UTC unless the administrator says otherwise.
 */
#include <stdlib.h>
#include <time.h>

#include <hermod/module.h>

#define NS_TIME "urn:xmpp:time"

struct time_config {
	bool show_zone;
};

static const struct hm_conf_key time_keys[] = {
	HM_KEY(struct time_config, show_zone, BOOL, "no",
	       .doc = "Tell the offset of the server's time zone; else it is that of UTC."),
};

/* XEP-0082 3.2: "+hh:mm" or "-hh:mm". */
static const char *
local_offset(int64_t now_us)
{
	time_t now = (time_t)(now_us / 1000000);
	struct tm local;
	long minutes;

	if (!localtime_r(&now, &local))
		return "+00:00";
	minutes = local.tm_gmtoff / 60;
	return hm_tmp_printf("%c%02ld:%02ld", minutes < 0 ? '-' : '+', labs(minutes) / 60,
	                     labs(minutes) % 60);
}

static void
time_get(struct hm_mod *m, struct hm_iq *rq)
{
	const struct time_config *cfg = hm_config(m);
	struct hm_writer *w = hm_iq_result(rq);
	int64_t now = hm_now_us();

	hm_open(w, NS_TIME, "time");
	hm_leaf(w, "tzo", cfg->show_zone ? local_offset(now) : "+00:00");
	hm_leaf(w, "utc", hm_tmp_stamp(now));
	hm_close(w);
	hm_iq_done(rq);
}

static const struct hm_iq_route time_iq[] = {
	{ HM_GET, HM_TO_HOST | HM_TO_SERVICE, HM_ANYONE, NS_TIME, "time", time_get },
};
static const struct hm_feature time_features[] = { { HM_TO_HOST | HM_TO_SERVICE, NS_TIME } };
static const struct hm_spec time_specs[] = { { "XEP-0202", "2.0", NULL } };

HM_MODULE(time) = {
	.summary = "Entity Time",
	.specs = HM_TABLE(time_specs),
	.iq = HM_TABLE(time_iq),
	.features = HM_TABLE(time_features),
	.config = HM_TABLE(time_keys),
	.config_size = sizeof(struct time_config),
};
