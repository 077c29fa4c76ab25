/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xmpp/stanza_error.h - the stanza error conditions of RFC 6120 8.3.3 with their
 * types, and the stream error conditions of 4.9.3.
 */
#ifndef XMPP_STANZA_ERROR_H
#define XMPP_STANZA_ERROR_H

#include <hermod/values.h>

#include "xml/writer.h"

#define NS_STANZA_ERRORS "urn:ietf:params:xml:ns:xmpp-stanzas"
#define NS_STREAM_ERRORS "urn:ietf:params:xml:ns:xmpp-streams"

const char *cond_name(enum hm_cond cond); /* "bad-request" */
/* "modify": the type that 8.3.3 gives it, the first where it gives a choice. */
const char *cond_type(enum hm_cond cond);
enum hm_cond cond_by_name(const char *name); /* 0: unknown */
/* <error type='...'><cond/><text/></error> in the namespace of the open element; text may be NULL. */
void cond_write(struct hm_writer *w, enum hm_cond cond, const char *text);
/* The same with <error> left open, for an element of an application's own (RFC 6120 8.3.4). */
void cond_open(struct hm_writer *w, enum hm_cond cond, const char *text);

/* RFC 6120 4.9.3 */
enum stream_cond {
	STREAM_BAD_FORMAT = 1,
	STREAM_BAD_NAMESPACE_PREFIX,
	STREAM_CONFLICT,
	STREAM_CONNECTION_TIMEOUT,
	STREAM_HOST_GONE,
	STREAM_HOST_UNKNOWN,
	STREAM_IMPROPER_ADDRESSING,
	STREAM_INTERNAL_SERVER_ERROR,
	STREAM_INVALID_FROM,
	STREAM_INVALID_NAMESPACE,
	STREAM_INVALID_XML,
	STREAM_NOT_AUTHORIZED,
	STREAM_NOT_WELL_FORMED,
	STREAM_POLICY_VIOLATION,
	STREAM_REMOTE_CONNECTION_FAILED,
	STREAM_RESET,
	STREAM_RESOURCE_CONSTRAINT,
	STREAM_RESTRICTED_XML,
	STREAM_SEE_OTHER_HOST,
	STREAM_SYSTEM_SHUTDOWN,
	STREAM_UNDEFINED_CONDITION,
	STREAM_UNSUPPORTED_ENCODING,
	STREAM_UNSUPPORTED_FEATURE,
	STREAM_UNSUPPORTED_STANZA_TYPE,
	STREAM_UNSUPPORTED_VERSION,
	STREAM_CONDS
};
const char *stream_cond_name(enum stream_cond cond);

#endif
