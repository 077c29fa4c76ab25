/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xmpp/jid_domain.h - the domainpart of an address (RFC 7622 3.2), for jid.c.
 */
#ifndef XMPP_JID_DOMAIN_H
#define XMPP_JID_DOMAIN_H

#include <stddef.h>

#include "xmpp/jid.h"

/* A domain name on the wire has 255 bytes with its length bytes and the root, RFC 1034 3.1. */
#define JID_DOMAIN_ASCII_MAX 253

/* Both forms of a domain; each ends in NUL. */
struct jid_domain {
	size_t len; /* of unicode */
	/* With U-labels, or an IP literal: what an address carries. */
	char unicode[JID_PART_MAX + 1];
	/* With A-labels; empty for an IP literal. */
	char ascii[JID_DOMAIN_ASCII_MAX + 1];
};

/* false: no domainpart; d is undefined then. */
__attribute__((warn_unused_result)) bool
jid_domain_enforce(struct jid_domain *d, const char *text, size_t len);

#endif
