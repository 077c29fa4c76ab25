/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * tests/unit/net/dns_server.h - a DNS server for tests, on a thread and a port of 127.0.0.1 of its own.  Whatever
 * ends in "signed.example" is signed with a key made on the spot (RFC 4034, algorithm 13).
 */
#ifndef DNS_SERVER_H
#define DNS_SERVER_H

#include <stdbool.h>

#define DNS_SERVER_SIGNED "signed.example"

enum dns_server_way {
	WAY_ANSWER,
	WAY_SPOIL,   /* the signature is wrong */
	WAY_FAIL,    /* SERVFAIL to this question */
	WAY_SILENT,  /* no answer to this question */
	WAY_ADVANCE, /* no answer either, but the test's clock moves by a minute */
	WAY_UNSIGNED /* an answer without signature, from the signed zone */
};

struct dns_server_record {
	const char *name; /* small letters, no dot at the end; NULL ends the table */
	const char *type; /* "A", "AAAA", "SRV", "TLSA", "CNAME" */
	const char *data; /* as in a zone file; names without dot at the end, the root is "." */
	enum dns_server_way way;
};

/* The address to ask, "127.0.0.1@12345", valid until the stop. */
const char *dns_server_start(const struct dns_server_record *table);
/* The file with the signed zone's key; removed by the stop. */
const char *dns_server_anchor(void);
/* Questions so far for that name, of any type; also after the stop. */
unsigned dns_server_asked(const char *name);
void dns_server_stop(void);

#endif
