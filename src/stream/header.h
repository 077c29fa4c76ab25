/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/header.h - the stream header (RFC 6120 4.7, 4.8): judging the client's, writing
 * ours.  Pure functions.
 */
#ifndef STREAM_HEADER_H
#define STREAM_HEADER_H

#include "base/arena.h"
#include "base/buf.h"
#include "xml/elem.h"
#include "xmpp/stanza_error.h"

#define NS_STREAMS "http://etherx.jabber.org/streams"
#define HEADER_ID_CHARS 22 /* of 6 random bits: RFC 6120 4.7.3 */
#define LANG_MAX 35        /* bytes; RFC 5646 4.4.1 */

struct header {
	const char *to;         /* normalised domain, or NULL */
	const char *from;       /* normalised bare JID, or NULL */
	const char *lang;       /* or NULL */
	bool unversioned;       /* 4.7.5 rule 4: no version is said to who says none */
	enum stream_cond wrong; /* 0: nothing */
};

/* content_ns: the default namespace that the header declares; ours: what it should be.  What can be read is read also when something is wrong. */
void header_read(struct header *out, const struct hm_elem *root, const char *content_ns,
                 const char *ours, struct arena *a);
/* With the XML declaration.  The answer to theirs, which is NULL when it could not be read; from may be NULL. */
void header_write(struct buf *out, const char *from, const struct header *theirs, const char *id);

#endif
