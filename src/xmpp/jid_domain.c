/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xmpp/jid_domain.c - the domainpart of an address, RFC 7622 3.2: a domain name
 * of NR-LDH labels and U-labels (RFC 5890), or an IP literal in brackets.
 *
 * What is not plain ASCII is mapped by RFC 5895, cut into labels and judged by
 * libidn2 with its strict rules, those for registration: its functions for
 * look-up map more than RFC 7622 does and skip contextual rules.  The Bidi rule
 * looks at all labels of a name together, so it is ours.
 */
#include "xmpp/jid_domain.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <idn2.h>
#include <unistr.h>

#include "xmpp/precis.h"

#define LABEL_MAX 63 /* RFC 1034 3.1 */
/* A code point takes four bytes as UTF-8, and at least one in an A-label. */
#define LABEL_UTF8_MAX (4 * LABEL_MAX)

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* --- ASCII names ----------------------------------------------------------- */

enum ascii_result { ASCII_DONE, ASCII_REFUSED, ASCII_NOT_ENOUGH };

/* The way of nearly all names.  Not enough: there is an A-label, or something outside ASCII. */
static enum ascii_result
enforce_ascii(struct jid_domain *d, const char *text, size_t len)
{
	size_t label = 0; /* bytes of the present label so far */

	if (len > JID_DOMAIN_ASCII_MAX)
		return ASCII_NOT_ENOUGH; /* fullwidth letters are longer */
	for (size_t i = 0; i < len; i++) {
		char c = lower(text[i]);

		d->ascii[i] = c;
		if (c == '.') {
			if (label == 0 || text[i - 1] == '-')
				return ASCII_REFUSED;
			label = 0;
			continue;
		}
		if (c == '-') {
			if (label == 0)
				return ASCII_REFUSED;
			/* RFC 5890 2.3.1: with "--" there, only A-labels mean something. */
			if (label == 3 && text[i - 1] == '-') {
				bool is_a_label = memcmp(d->ascii + i - 3, "xn", 2) == 0;

				return is_a_label ? ASCII_NOT_ENOUGH : ASCII_REFUSED;
			}
		} else if (!is_letter(c) && !is_digit(c)) {
			return c & 0x80 ? ASCII_NOT_ENOUGH : ASCII_REFUSED;
		}
		if (++label > LABEL_MAX)
			return ASCII_REFUSED;
	}
	if (label == 0 || text[len - 1] == '-')
		return ASCII_REFUSED;
	memcpy(d->unicode, d->ascii, len);
	d->unicode[len] = d->ascii[len] = '\0';
	d->len = len;
	return ASCII_DONE;
}

/* --- Other names ----------------------------------------------------------- */

static bool
is_ascii(const char *s)
{
	for (; *s; s++)
		if (*s & 0x80)
			return false;
	return true;
}

/* Appends s behind what is there, after a dot if that is not empty. */
static bool
append(char *to, size_t *len, size_t max, const char *s)
{
	size_t n = strlen(s), dot = *len > 0;

	if (dot + n > max - *len)
		return false;
	if (dot)
		to[*len] = '.';
	memcpy(to + *len + dot, s, n + 1);
	*len += dot + n;
	return true;
}

/* Judges and appends one label.  a_label is the form in which it came, if not as U-label. */
static bool
append_u_label(struct jid_domain *d, size_t *ascii_len, const char *label, const char *a_label)
{
	uint8_t *encoded = NULL;
	bool ok;

	if (idn2_register_u8((const uint8_t *)label, NULL, &encoded, 0) != IDN2_OK)
		return false;
	/* An A-label must be the one form of its U-label (RFC 5890 2.3.2.1), and not of pure ASCII. */
	ok = (!a_label || strcmp((char *)encoded, a_label) == 0) &&
	     append(d->unicode, &d->len, JID_PART_MAX, label) &&
	     append(d->ascii, ascii_len, JID_DOMAIN_ASCII_MAX, (char *)encoded);
	idn2_free(encoded);
	return ok;
}

static bool
append_label(struct jid_domain *d, size_t *ascii_len, const char *label)
{
	struct jid_domain plain;
	char *decoded = NULL;
	bool ok;

	if (strlen(label) > LABEL_UTF8_MAX)
		return false;
	if (!is_ascii(label))
		return append_u_label(d, ascii_len, label, NULL);
	switch (enforce_ascii(&plain, label, strlen(label))) {
	case ASCII_DONE:
		return append(d->unicode, &d->len, JID_PART_MAX, label) &&
		       append(d->ascii, ascii_len, JID_DOMAIN_ASCII_MAX, label);
	case ASCII_REFUSED:
		return false;
	case ASCII_NOT_ENOUGH:
		break;
	}
	if (strlen(label) > LABEL_MAX || idn2_to_unicode_8z8z(label, &decoded, 0) != IDN2_OK)
		return false;
	ok = append_u_label(d, ascii_len, decoded, label);
	idn2_free(decoded);
	return ok;
}

/* RFC 5893 2: in a name with a right-to-left label, all labels obey the rule. */
static bool
bidi_is_allowed(const struct jid_domain *d)
{
	uint32_t name[JID_PART_MAX];
	size_t n = JID_PART_MAX, start = 0;

	/* Never more code points than bytes, so it fits. */
	if (!u8_to_u32((const uint8_t *)d->unicode, d->len, name, &n))
		return false;
	if (!precis_is_rtl(name, n))
		return true;
	for (size_t i = 0; i <= n; i++)
		if (i == n || name[i] == '.') {
			if (!precis_bidi_rule(name + start, i - start))
				return false;
			start = i + 1;
		}
	return true;
}

static bool
enforce_idn(struct jid_domain *d, const char *text, size_t len)
{
	char mapped[PRECIS_MAX + 1];
	char *rest = mapped, *label;
	size_t ascii_len = 0;

	len = precis_enforce(PRECIS_DOMAIN, text, len, mapped);
	if (len > 0 && mapped[len - 1] == '.')
		mapped[--len] = '\0';
	if (len == 0)
		return false;
	d->len = 0;
	while ((label = strsep(&rest, ".")))
		if (!append_label(d, &ascii_len, label))
			return false;
	return bidi_is_allowed(d);
}

/* --- IP literals ----------------------------------------------------------- */

static bool
is_hex(char c)
{
	return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f');
}

/* RFC 3986 2.3. */
static bool
is_unreserved(char c)
{
	return is_letter(c) || is_digit(c) || (c && strchr("-._~", c));
}

/* RFC 3986 3.2.2: "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" ), in any case. */
static bool
is_ip_future(const char *s)
{
	const char *p = s + 1;

	if (lower(*s) != 'v' || !is_hex(*p))
		return false;
	while (is_hex(*p))
		p++;
	if (*p++ != '.' || !*p)
		return false;
	while (*p && (is_unreserved(*p) || strchr("!$&'()*+,;=:", *p)))
		p++;
	return *p == '\0';
}

/* RFC 6874 2: 1*( unreserved / pct-encoded ), after "%25". */
static bool
is_zone(const char *s)
{
	if (!*s)
		return false;
	while (*s)
		if (is_unreserved(*s))
			s++;
		else if (s[0] == '%' && is_hex(s[1]) && is_hex(s[2]))
			s += 3;
		else
			return false;
	return true;
}

static bool
enforce_literal(struct jid_domain *d, const char *text, size_t len)
{
	char inner[JID_PART_MAX + 1], address[INET6_ADDRSTRLEN], *percent;
	struct in6_addr in6;
	int n;

	if (len < 2 || len > JID_PART_MAX || text[len - 1] != ']')
		return false;
	*(char *)mempcpy(inner, text + 1, len - 2) = '\0';
	if (is_ip_future(inner)) {
		for (char *p = inner; *p; p++)
			*p = lower(*p);
		n = snprintf(d->unicode, sizeof(d->unicode), "[%s]", inner);
	} else {
		percent = strchr(inner, '%');
		if (percent) {
			if (strncmp(percent, "%25", 3) != 0 || !is_zone(percent + 3))
				return false;
			*percent = '\0';
		}
		if (inet_pton(AF_INET6, inner, &in6) != 1)
			return false;
		/* The one form of RFC 5952, so that bytes compare. */
		inet_ntop(AF_INET6, &in6, address, sizeof(address));
		n = snprintf(d->unicode, sizeof(d->unicode), "[%s%s%s]", address,
		             percent ? "%" : "", percent ? percent + 1 : "");
	}
	d->len = (size_t)n;
	d->ascii[0] = '\0';
	return d->len < sizeof(d->unicode);
}

bool
jid_domain_enforce(struct jid_domain *d, const char *text, size_t len)
{
	/* RFC 7622 3.2: the dot goes before anything else. */
	size_t without_dot = len > 0 && text[len - 1] == '.' ? len - 1 : len;

	if (without_dot > 0 && text[0] == '[')
		return enforce_literal(d, text, without_dot);
	switch (enforce_ascii(d, text, without_dot)) {
	case ASCII_DONE:
		return true;
	case ASCII_REFUSED:
		return false;
	case ASCII_NOT_ENOUGH:
		break;
	}
	return enforce_idn(d, text, len); /* there the dot may be another code point */
}
