/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/router.c - account, host, service or remote, by the domain of the address.
 */
#include "core/router.h"

#include <string.h>

#include "base/metrics.h"
#include "core/here.h"
#include "core/metrics.h"
#include "core/served.h"
#include "core/user.h"
#include "link/link.h"
#include "loop/worker.h"

static void (*carry)(struct hm_letter *take);

void
router_set_remote(void (*remote)(struct hm_letter *take))
{
	carry = remote;
}

bool
router_has_remote(void)
{
	return carry != NULL;
}

static void
account_mail(struct mail *mail)
{
	user_arrived(HM_CONTAINER(mail, struct hm_letter, mail));
}

static void
host_mail(struct mail *mail)
{
	struct hm_letter *l = HM_CONTAINER(mail, struct hm_letter, mail);

	host_receive(host_find(l->to_domain), l);
}

static void
post(unsigned worker, struct hm_letter *l, void (*run)(struct mail *))
{
	l->mail.run = run;
	worker_post(worker, &l->mail);
}

void
route(struct hm_letter *take)
{
	struct host *h = host_find(take->to_domain);
	const struct host_service *service;

	metric_add(core_metric(CM_ROUTED), 1);
	letter_charge(take);
	if (h && take->to_local) {
		post(link_home(take->to_bare), take, account_mail);
	} else if (h) {
		post(here->worker, take, host_mail);
	} else if ((service = service_find(take->to_domain))) {
		served_route(service, take);
	} else if (carry) {
		carry(take);
	} else {
		letter_refuse(take, HM_REMOTE_SERVER_NOT_FOUND, NULL);
	}
}
