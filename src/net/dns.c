/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * net/dns.c - one context of libunbound.  It is made with the first question: its thread and caches cost a
 * server without federation nothing.  Everything of it is called on worker 0, and none of those calls blocks: a
 * question goes down a pipe that is never full (ASKED_MAX).
 */
#include "net/dns.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"
#include "loop/worker.h"

/* With the longest name a question takes 300 bytes of libunbound's pipe, which holds 64 KiB. */
#define ASKED_MAX 200

#define CLASS_IN 1
#define RCODE_NXDOMAIN 3

struct context {
	struct list link; /* in contexts */
	struct ub_ctx *ub;
	struct event *readable;
	unsigned asked;
};

struct dns_query {
	struct list link; /* in all */
	struct list wait; /* in waiting */
	struct mail mail;
	unsigned worker;
	struct context *context; /* that was asked */
	struct ub_result *result;
	const char *fault; /* instead of a result */
	dns_done_fn *done; /* NULL: cancelled; of the asking worker, like ctx */
	void *ctx;
	enum dns_type type;
	char name[DNS_NAME_MAX + 1];
};

static struct {
	char **servers;
	size_t n_servers;
	char *trust_anchor;
} config;

/* Worker 0. */
static struct context *current;
static struct list contexts = { &contexts,
	                        &contexts }; /* the current one, and such as have answers to come */
static struct list waiting = { &waiting, &waiting };

/* Of all workers, so that dns_free() finds them wherever they are. */
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct list all = { &all, &all };

/* --- The context: worker 0 -------------------------------------------------------------- */

static void
context_free(struct context **pc)
{
	struct context *c = *pc;

	*pc = NULL;
	if (!c)
		return;
	list_remove(&c->link);
	if (c->readable)
		event_free(c->readable);
	ub_ctx_delete(c->ub);
	mem_free(c);
}

static void ask_waiting(void);

static void
answers_came(evutil_socket_t fd, short what, void *ctx)
{
	struct context *c = ctx;

	worker_enter();
	ub_process(c->ub);
	/* The configuration has changed meanwhile, and this was its last answer. */
	if (c != current && c->asked == 0)
		context_free(&c);
	ask_waiting();
	worker_leave();
}

/* What these mean is in unbound.conf(5). The caches are bounds: they are filled by what is asked. */
static bool
set_options(struct ub_ctx *ub)
{
	static const char *const options[][2] = {
		{ "do-not-query-localhost:", "no" }, { "outgoing-range:", "128" },
		{ "msg-cache-size:", "2m" },         { "rrset-cache-size:", "4m" },
		{ "key-cache-size:", "1m" },         { "neg-cache-size:", "256k" },
		{ "infra-cache-numhosts:", "2000" }, { "cache-max-ttl:", "86400" },
		{ "cache-max-negative-ttl:", "300" }
	};

	for (size_t i = 0; i < HM_COUNT(options); i++) {
		if (ub_ctx_set_option(ub, options[i][0], options[i][1]) != 0)
			return false;
	}
	return true;
}

static const char *
set_servers(struct ub_ctx *ub)
{
	for (size_t i = 0; i < config.n_servers; i++) {
		if (ub_ctx_set_fwd(ub, config.servers[i]) != 0)
			return "one of the DNS servers in the configuration is no address";
	}
	if (config.n_servers > 0)
		return NULL;
	/* Without the file libunbound asks the root's servers itself, which is fine. */
	ub_ctx_resolvconf(ub, NULL);
	ub_ctx_hosts(ub, NULL);
	return NULL;
}

/* NULL, or what is wrong.  Whatever makes libunbound begin comes last: no option can be set behind it. */
static const char *
set_up(struct ub_ctx *ub)
{
	const char *fault;

	ub_ctx_debugout(ub, NULL);
	if (!set_options(ub))
		return "libunbound does not take its options";
	fault = set_servers(ub);
	if (fault)
		return fault;
	if (config.trust_anchor && (access(config.trust_anchor, R_OK) != 0 ||
	                            ub_ctx_add_ta_file(ub, config.trust_anchor) != 0))
		return "the file of the DNSSEC trust anchor cannot be read";
	if (ub_ctx_async(ub, true) != 0)
		return "libunbound cannot have a thread";
	/* Closed networks use these names; libunbound would deny them without asking (RFC 6761, RFC 8375). */
	if (ub_ctx_zone_add(ub, "test.", "nodefault") != 0 ||
	    ub_ctx_zone_add(ub, "home.arpa.", "nodefault") != 0)
		return "libunbound does not start";
	return NULL;
}

static struct context *
context_new(const char **fault)
{
	struct context *c = mem_new(struct context);

	c->ub = ub_ctx_create();
	if (!c->ub) {
		mem_free(c);
		*fault = "libunbound does not start";
		return NULL;
	}
	list_push_back(&contexts, &c->link);
	*fault = set_up(c->ub);
	if (!*fault) {
		c->readable = event_new(worker_base(), ub_fd(c->ub), EV_READ | EV_PERSIST,
		                        answers_came, c);
		if (c->readable && event_add(c->readable, NULL) == 0)
			return c;
		*fault = "libunbound's answers cannot be waited for";
	}
	context_free(&c);
	return NULL;
}

/* --- A question's way: asking worker, worker 0, libunbound, and back ---------------------- */

static void
query_free(struct dns_query *q)
{
	pthread_mutex_lock(&all_lock);
	list_remove(&q->link);
	pthread_mutex_unlock(&all_lock);
	ub_resolve_free(q->result);
	mem_free(q);
}

static void
read_result(const struct dns_query *q, struct dns_answer *a)
{
	const struct ub_result *r = q->result;

	*a = (struct dns_answer){ .outcome = DNS_FAILED, .text = q->fault };
	if (!r)
		return;
	a->secure = r->secure;
	if (r->bogus) {
		a->outcome = DNS_BOGUS;
		a->text = r->why_bogus ? r->why_bogus : "validation failure";
	} else if (r->nxdomain || r->rcode == RCODE_NXDOMAIN) {
		a->outcome = DNS_NO_NAME;
	} else if (r->rcode != 0) {
		a->text = "the DNS servers could not answer";
	} else if (!r->havedata) {
		a->outcome = DNS_NO_RECORDS;
	} else {
		a->outcome = DNS_RECORDS;
		for (; r->data[a->n] && a->n < DNS_RECORDS_MAX; a->n++)
			a->record[a->n] = (struct hm_blob){ r->data[a->n], (size_t)r->len[a->n] };
	}
}

static void
answered(struct mail *mail)
{
	struct dns_query *q = HM_CONTAINER(mail, struct dns_query, mail);
	struct dns_answer answer;

	if (q->done) {
		read_result(q, &answer);
		q->done(q->ctx, &answer);
	}
	query_free(q);
}

static void
send_back(struct dns_query *q)
{
	q->mail.run = answered;
	worker_post(q->worker, &q->mail);
}

static void
answer_came(void *ctx, int error, struct ub_result *result)
{
	struct dns_query *q = ctx;

	q->context->asked--;
	q->result = result;
	if (!result)
		q->fault = ub_strerror(error);
	send_back(q);
}

static void
ask(struct dns_query *q)
{
	sigset_t every, before;
	int error;

	q->context = current;
	/* Its thread begins with the first question, and must not take our signals. */
	sigfillset(&every);
	pthread_sigmask(SIG_SETMASK, &every, &before);
	error = ub_resolve_async(current->ub, q->name, q->type, CLASS_IN, q, answer_came, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error) {
		q->fault = ub_strerror(error);
		send_back(q);
		return;
	}
	current->asked++;
}

static void
ask_waiting(void)
{
	const char *fault = NULL;

	while (!list_empty(&waiting) && (!current || current->asked < ASKED_MAX)) {
		struct dns_query *q = list_entry(waiting.next, struct dns_query, wait);

		if (!current && !fault)
			current = context_new(&fault);
		list_remove(&q->wait);
		if (current) {
			ask(q);
		} else {
			q->fault = fault;
			send_back(q);
		}
	}
}

static void
question_came(struct mail *mail)
{
	struct dns_query *q = HM_CONTAINER(mail, struct dns_query, mail);

	list_push_back(&waiting, &q->wait);
	ask_waiting();
}

struct dns_query *
dns_ask(const char *name, enum dns_type type, dns_done_fn *done, void *ctx)
{
	struct dns_query *q = mem_new(struct dns_query);

	hm_assert(strlen(name) <= DNS_NAME_MAX);
	snprintf(q->name, sizeof(q->name), "%s", name);
	q->type = type;
	q->done = done;
	q->ctx = ctx;
	q->worker = worker_self();
	q->mail.run = question_came;
	list_init(&q->wait);
	pthread_mutex_lock(&all_lock);
	list_push_back(&all, &q->link);
	pthread_mutex_unlock(&all_lock);
	worker_post(0, &q->mail);
	return q;
}

/* It goes its way to the end: what comes may be of use from the cache. */
void
dns_cancel(struct dns_query **q)
{
	if (*q)
		(*q)->done = NULL;
	*q = NULL;
}

/* --- Configuration, end -------------------------------------------------------------------- */

bool
dns_server_valid(const char *text)
{
	const char *at = strchr(text, '@');
	size_t len = at ? (size_t)(at - text) : strlen(text);
	char address[INET6_ADDRSTRLEN], *end;
	unsigned char ignored[16];
	long port;

	if (len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	if (inet_pton(AF_INET, address, ignored) != 1 && inet_pton(AF_INET6, address, ignored) != 1)
		return false;
	if (!at)
		return true;
	port = strtol(at + 1, &end, 10);
	return at[1] >= '0' && at[1] <= '9' && *end == '\0' && port >= 1 && port <= 65535;
}

static void
config_free(void)
{
	for (size_t i = 0; i < config.n_servers; i++)
		mem_free(config.servers[i]);
	mem_free(config.servers);
	mem_free(config.trust_anchor);
	config.servers = NULL;
	config.n_servers = 0;
	config.trust_anchor = NULL;
}

void
dns_configure(const struct dns_config *c)
{
	config_free();
	config.servers = mem_array(c->n_servers + 1, sizeof(*config.servers));
	for (; config.n_servers < c->n_servers; config.n_servers++)
		config.servers[config.n_servers] = mem_strdup(c->servers[config.n_servers]);
	config.trust_anchor = c->trust_anchor ? mem_strdup(c->trust_anchor) : NULL;
	if (current && current->asked == 0)
		context_free(&current);
	current = NULL; /* the last of its answers frees it */
}

void
dns_free(void)
{
	current = NULL;
	while (!list_empty(&contexts)) {
		struct context *c = list_entry(contexts.next, struct context, link);

		context_free(&c);
	}
	list_init(&waiting);
	while (!list_empty(&all)) {
		struct dns_query *q = list_entry(all.next, struct dns_query, link);

		query_free(q);
	}
	config_free();
}
