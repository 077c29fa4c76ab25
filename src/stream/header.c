/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* stream/header.c - the rules of RFC 6120 4.7 and 4.8 for a client's stream header. */
#include "stream/header.h"

#include <string.h>

#include "xmpp/jid.h"
#include "xmpp/stanza.h"

/* 4.7.5: "major.minor", compared as numbers; all that matters is that major is at least 1. */
static bool
version_is_ours(const char *version)
{
	size_t major = strspn(version, "0123456789");
	size_t minor;

	if (major == 0 || version[major] != '.')
		return false;
	minor = strspn(version + major + 1, "0123456789");
	if (minor == 0 || version[major + 1 + minor] != '\0')
		return false;
	return strspn(version, "0") < major;
}

/* The form of a language tag; whether it means something is no matter of ours. */
static bool
is_language(const char *lang)
{
	size_t len =
		strspn(lang, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");

	return len > 0 && len <= LANG_MAX && lang[len] == '\0';
}

/* 4.8.2: the content namespace may be declared here or on each child, with the stream's own as the default. */
static bool
content_ns_is_ours(const char *ns, const char *ours)
{
	return strcmp(ns, ours) == 0 || strcmp(ns, NS_STREAMS) == 0 || *ns == '\0';
}

static enum stream_cond
judge_element(const struct hm_elem *root, const char *content_ns, const char *ours)
{
	if (strcmp(root->ns, NS_STREAMS) != 0)
		return STREAM_INVALID_NAMESPACE; /* 4.9.3.10 */
	if (strcmp(root->name, "stream") != 0)
		return STREAM_BAD_FORMAT; /* 4.9.3.1 */
	return content_ns_is_ours(content_ns, ours) ? 0 : STREAM_INVALID_NAMESPACE;
}

void
header_read(struct header *out, const struct hm_elem *root, const char *content_ns,
            const char *ours, struct arena *a)
{
	const char *to = elem_attr(root, "to"), *from = elem_attr(root, "from");
	const char *lang = elem_attr_ns(root, XML_NS_XML, "lang");
	const char *version = elem_attr(root, "version");
	struct jid jid;

	*out = (struct header){ .wrong = judge_element(root, content_ns, ours),
		                .unversioned = !version };
	if (to)
		out->to = jid_prepare_domain(to, a);
	if (from && jid_parse(&jid, from, a))
		out->from = jid.bare; /* 4.7.2: what our "to" says */
	if (lang && is_language(lang))
		out->lang = lang;
	if (out->wrong)
		return;
	/* Without version it would be 0.9, which nobody speaks any more. */
	if (!version || !version_is_ours(version))
		out->wrong = STREAM_UNSUPPORTED_VERSION;
	else if (!to || !*to || (from && !out->from))
		out->wrong = STREAM_IMPROPER_ADDRESSING; /* 4.9.3.7 */
	else if (!out->to)
		out->wrong = STREAM_HOST_UNKNOWN;
}

static void
attribute(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, " %s='", name);
	xml_write_value(out, value, strlen(value));
	buf_putc(out, '\'');
}

void
header_write(struct buf *out, const char *from, const struct header *theirs, const char *id)
{
	buf_puts(out, "<?xml version='1.0'?><stream:stream xmlns='" NS_CLIENT
	              "' xmlns:stream='" NS_STREAMS "'");
	if (from)
		attribute(out, "from", from);
	if (theirs && theirs->from)
		attribute(out, "to", theirs->from);
	attribute(out, "id", id);
	if (!theirs || !theirs->unversioned)
		buf_puts(out, " version='1.0'");
	buf_puts(out, " xml:lang='en'>");
}
