/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * net/dns.h - questions to the DNS, answered with their DNSSEC status.  On libunbound, whose thread
 * asks, validates and caches for the whole process; worker 0 hands it the questions and takes its answers
 * (doc/decisions/0013-one-thread-asks-the-dns.md).
 */
#ifndef NET_DNS_H
#define NET_DNS_H

#include <stdbool.h>
#include <stddef.h>

#include <hermod/values.h>

#define DNS_NAME_MAX 253 /* bytes of a name as text, RFC 1035 2.3.4 */
#define DNS_RECORDS_MAX 32

struct dns_config {
	/* "192.0.2.53" or "192.0.2.53@5353"; none: those of /etc/resolv.conf, and names of /etc/hosts. */
	const char *const *servers;
	size_t n_servers;
	/* A file of DS or DNSKEY records; NULL: nothing is validated, nothing is secure. */
	const char *trust_anchor;
};

/* Is it a numeric address, perhaps with @port? */
bool dns_server_valid(const char *text);
/* Before the workers run, and on worker 0 at a reload: what was cached is forgotten.  Copied; borrowed for the call. */
void dns_configure(const struct dns_config *config);
/* On the thread of worker 0, after workers_run() and before workers_free(): what is still asked is dropped. */
void dns_free(void);

enum dns_type { DNS_A = 1, DNS_AAAA = 28, DNS_SRV = 33, DNS_TLSA = 52 };

enum dns_outcome {
	DNS_RECORDS,
	DNS_NO_RECORDS, /* the name is there, such records are not */
	DNS_NO_NAME,
	DNS_BOGUS, /* DNSSEC says that the answer was tampered with, or signatures are out of order */
	DNS_FAILED /* no answer, or one that says that the server could not answer */
};

struct dns_answer {
	enum dns_outcome outcome;
	bool secure;                            /* validated: also that there is nothing */
	size_t n;                               /* more than DNS_RECORDS_MAX are left off */
	struct hm_blob record[DNS_RECORDS_MAX]; /* RDATA; names in it are not compressed */
	const char *text; /* of BOGUS and FAILED: why, as libunbound says it; not a sentence */
};

struct dns_query;
/* On the worker that asked, in a later turn; the answer lives as long as the call, the query is gone. */
typedef void dns_done_fn(void *ctx, const struct dns_answer *answer);
/*
 * Always ends in one call of done, unless it is cancelled.  That may take minutes: the caller has a time-out of
 * its own.  name: ASCII, at most DNS_NAME_MAX, of letters, digits, "-", "_" and dots.  CNAME and DNAME are followed.
 */
struct dns_query *dns_ask(const char *name, enum dns_type type, dns_done_fn *done, void *ctx);
/* On the worker that asked.  *q NULL: nothing happens. */
void dns_cancel(struct dns_query **q);

#endif
