/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xmpp/stanza_error.c - the tables of RFC 6120 8.3.3 (stanza errors) and 4.9.3
 * (stream errors), and the <error/> element of 8.3.2.
 */
#include "xmpp/stanza_error.h"

#include <string.h>

static const struct cond_entry {
	const char *name, *type;
} conds[HM_CONDS] = {
	[HM_BAD_REQUEST] = { "bad-request", "modify" },
	[HM_CONFLICT] = { "conflict", "cancel" },
	[HM_FEATURE_NOT_IMPLEMENTED] = { "feature-not-implemented", "cancel" },
	[HM_FORBIDDEN] = { "forbidden", "auth" },
	[HM_GONE] = { "gone", "cancel" },
	[HM_INTERNAL_SERVER_ERROR] = { "internal-server-error", "cancel" },
	[HM_ITEM_NOT_FOUND] = { "item-not-found", "cancel" },
	[HM_JID_MALFORMED] = { "jid-malformed", "modify" },
	[HM_NOT_ACCEPTABLE] = { "not-acceptable", "modify" },
	[HM_NOT_ALLOWED] = { "not-allowed", "cancel" },
	[HM_NOT_AUTHORIZED] = { "not-authorized", "auth" },
	[HM_POLICY_VIOLATION] = { "policy-violation", "modify" },
	[HM_RECIPIENT_UNAVAILABLE] = { "recipient-unavailable", "wait" },
	[HM_REDIRECT] = { "redirect", "modify" },
	[HM_REGISTRATION_REQUIRED] = { "registration-required", "auth" },
	[HM_REMOTE_SERVER_NOT_FOUND] = { "remote-server-not-found", "cancel" },
	[HM_REMOTE_SERVER_TIMEOUT] = { "remote-server-timeout", "wait" },
	[HM_RESOURCE_CONSTRAINT] = { "resource-constraint", "wait" },
	[HM_SERVICE_UNAVAILABLE] = { "service-unavailable", "cancel" },
	[HM_SUBSCRIPTION_REQUIRED] = { "subscription-required", "auth" },
	[HM_UNDEFINED_CONDITION] = { "undefined-condition", "cancel" }, /* 8.3.3.21: any type */
	[HM_UNEXPECTED_REQUEST] = { "unexpected-request", "wait" },
};

static const char *const stream_conds[STREAM_CONDS] = {
	[STREAM_BAD_FORMAT] = "bad-format",
	[STREAM_BAD_NAMESPACE_PREFIX] = "bad-namespace-prefix",
	[STREAM_CONFLICT] = "conflict",
	[STREAM_CONNECTION_TIMEOUT] = "connection-timeout",
	[STREAM_HOST_GONE] = "host-gone",
	[STREAM_HOST_UNKNOWN] = "host-unknown",
	[STREAM_IMPROPER_ADDRESSING] = "improper-addressing",
	[STREAM_INTERNAL_SERVER_ERROR] = "internal-server-error",
	[STREAM_INVALID_FROM] = "invalid-from",
	[STREAM_INVALID_NAMESPACE] = "invalid-namespace",
	[STREAM_INVALID_XML] = "invalid-xml",
	[STREAM_NOT_AUTHORIZED] = "not-authorized",
	[STREAM_NOT_WELL_FORMED] = "not-well-formed",
	[STREAM_POLICY_VIOLATION] = "policy-violation",
	[STREAM_REMOTE_CONNECTION_FAILED] = "remote-connection-failed",
	[STREAM_RESET] = "reset",
	[STREAM_RESOURCE_CONSTRAINT] = "resource-constraint",
	[STREAM_RESTRICTED_XML] = "restricted-xml",
	[STREAM_SEE_OTHER_HOST] = "see-other-host",
	[STREAM_SYSTEM_SHUTDOWN] = "system-shutdown",
	[STREAM_UNDEFINED_CONDITION] = "undefined-condition",
	[STREAM_UNSUPPORTED_ENCODING] = "unsupported-encoding",
	[STREAM_UNSUPPORTED_FEATURE] = "unsupported-feature",
	[STREAM_UNSUPPORTED_STANZA_TYPE] = "unsupported-stanza-type",
	[STREAM_UNSUPPORTED_VERSION] = "unsupported-version",
};

const char *
cond_name(enum hm_cond cond)
{
	hm_assert(cond > 0 && cond < HM_CONDS);
	return conds[cond].name;
}

const char *
cond_type(enum hm_cond cond)
{
	hm_assert(cond > 0 && cond < HM_CONDS);
	return conds[cond].type;
}

enum hm_cond
cond_by_name(const char *name)
{
	for (enum hm_cond c = 1; c < HM_CONDS; c++)
		if (strcmp(conds[c].name, name) == 0)
			return c;
	return 0;
}

void
cond_open(struct hm_writer *w, enum hm_cond cond, const char *text)
{
	writer_open(w, NULL, "error");
	writer_attr(w, "type", cond_type(cond));
	writer_open(w, NS_STANZA_ERRORS, cond_name(cond));
	writer_close(w);
	if (text) {
		writer_open(w, NS_STANZA_ERRORS, "text");
		writer_attr_ns(w, XML_NS_XML, "lang", "en");
		writer_text(w, text);
		writer_close(w);
	}
}

void
cond_write(struct hm_writer *w, enum hm_cond cond, const char *text)
{
	cond_open(w, cond, text);
	writer_close(w);
}

const char *
stream_cond_name(enum stream_cond cond)
{
	hm_assert(cond > 0 && cond < STREAM_CONDS);
	return stream_conds[cond];
}
