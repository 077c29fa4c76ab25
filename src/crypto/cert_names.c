/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * crypto/cert_names.c - for whom a certificate speaks.  The names are read once;
 * one that is not plain text (a NUL inside, an octet above ASCII where only
 * ASCII may be) is as if it were not there.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

#include "base/codec.h"
#include "crypto/cert_private.h"

#define NAMES_MAX 1024
#define NAME_LEN_MAX 3071 /* of a JID, RFC 7622 3.1 */

/* --- Reading --------------------------------------------------------------- */

static bool
is_text(const ASN1_STRING *s, bool ascii)
{
	const unsigned char *data = ASN1_STRING_get0_data(s);
	size_t len = (size_t)ASN1_STRING_length(s);

	if (len == 0 || len > NAME_LEN_MAX || memchr(data, '\0', len))
		return false;
	for (size_t i = 0; ascii && i < len; i++)
		if (data[i] <= ' ' || data[i] >= 0x7f)
			return false;
	return ascii || utf8_valid((const char *)data, len);
}

static void
add_name(struct cert *cert, enum cert_name_type type, const char *text)
{
	cert->names[cert->names_n++] = (struct cert_name){ type, text };
}

static void
add_string(struct cert *cert, enum cert_name_type type, const ASN1_STRING *s)
{
	if (is_text(s, type != CERT_XMPP_ADDR))
		add_name(cert, type,
		         arena_strndup(cert->arena, (const char *)ASN1_STRING_get0_data(s),
		                       (size_t)ASN1_STRING_length(s)));
}

/* RFC 6120 13.7.1.4: XmppAddr is a UTF8String; RFC 4985 2: SRVName is an IA5String. */
static void
add_other(struct cert *cert, const OTHERNAME *other)
{
	switch (OBJ_obj2nid(other->type_id)) {
	case NID_XmppAddr:
		if (other->value->type == V_ASN1_UTF8STRING)
			add_string(cert, CERT_XMPP_ADDR, other->value->value.utf8string);
		break;
	case NID_SRVName:
		if (other->value->type == V_ASN1_IA5STRING)
			add_string(cert, CERT_SRV, other->value->value.ia5string);
		break;
	}
}

static void
add_address(struct cert *cert, const ASN1_OCTET_STRING *s)
{
	const unsigned char *b = ASN1_STRING_get0_data(s);

	if (ASN1_STRING_length(s) == 4)
		add_name(cert, CERT_ADDRESS,
		         arena_printf(cert->arena, "%d.%d.%d.%d", b[0], b[1], b[2], b[3]));
	else if (ASN1_STRING_length(s) == 16)
		add_name(cert, CERT_ADDRESS,
		         arena_printf(cert->arena, "%x:%x:%x:%x:%x:%x:%x:%x", b[0] << 8 | b[1],
		                      b[2] << 8 | b[3], b[4] << 8 | b[5], b[6] << 8 | b[7],
		                      b[8] << 8 | b[9], b[10] << 8 | b[11], b[12] << 8 | b[13],
		                      b[14] << 8 | b[15]));
}

void
cert_read_names(struct cert *cert)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert->x509, NID_subject_alt_name, NULL, NULL);
	int n = names ? sk_GENERAL_NAME_num(names) : 0;

	if (n > NAMES_MAX)
		n = NAMES_MAX;
	cert->arena = arena_new(0);
	cert->names = arena_zalloc(cert->arena, (size_t)n * sizeof(*cert->names));
	for (int i = 0; i < n; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DNS)
			add_string(cert, CERT_DNS, name->d.dNSName);
		else if (name->type == GEN_OTHERNAME)
			add_other(cert, name->d.otherName);
		else if (name->type == GEN_IPADD)
			add_address(cert, name->d.iPAddress);
	}
	GENERAL_NAMES_free(names);
	ERR_clear_error(); /* a peer's extension may be no SEQUENCE at all */
}

size_t
cert_names(const struct cert *cert, const struct cert_name **names)
{
	*names = cert->names;
	return cert->names_n;
}

/* --- Matching -------------------------------------------------------------- */

/* RFC 6125 6.4.1 and 6.4.3. */
static bool
dns_fits(const char *presented, const char *domain)
{
	if (presented[0] == '*' && presented[1] == '.') {
		const char *parent = presented + 2, *dot = strchr(domain, '.');

		/* "*.example" would speak for everybody below a top-level domain. */
		return strchr(parent, '.') && dot && dot != domain &&
		       strcasecmp(dot + 1, parent) == 0;
	}
	/* A star elsewhere is in no domain name, so it fits nothing. */
	return strcasecmp(presented, domain) == 0;
}

static bool
srv_fits(const char *presented, const char *domain, enum cert_service service)
{
	static const char *const labels[] = {
		[CERT_XMPP_CLIENT] = "_xmpp-client.",
		[CERT_XMPP_SERVER] = "_xmpp-server.",
	};
	size_t len = strlen(labels[service]);

	return strncasecmp(presented, labels[service], len) == 0 &&
	       dns_fits(presented + len, domain);
}

ASN1_OCTET_STRING *
cert_address(const char *domain)
{
	char text[64];
	size_t len = strlen(domain);

	if (len >= sizeof(text))
		return NULL;
	if (len > 2 && domain[0] == '[' && domain[len - 1] == ']') {
		memcpy(text, domain + 1, len - 2);
		text[len - 2] = '\0';
		return strchr(text, ':') ? a2i_IPADDRESS(text) : NULL;
	}
	return strspn(domain, "0123456789.") == len ? a2i_IPADDRESS(domain) : NULL;
}

static bool
address_fits(const struct cert *cert, const char *domain)
{
	ASN1_OCTET_STRING *wanted = cert_address(domain), *its;
	bool fits = false;

	for (size_t i = 0; wanted && !fits && i < cert->names_n; i++) {
		if (cert->names[i].type != CERT_ADDRESS)
			continue;
		its = a2i_IPADDRESS(cert->names[i].text);
		fits = its && ASN1_OCTET_STRING_cmp(its, wanted) == 0;
		ASN1_OCTET_STRING_free(its);
	}
	ASN1_OCTET_STRING_free(wanted);
	return fits;
}

static bool
name_fits(const struct cert_name *name, struct cert_domain domain, enum cert_service service)
{
	switch (name->type) {
	case CERT_DNS:
		return dns_fits(name->text, domain.ascii);
	case CERT_SRV:
		return srv_fits(name->text, domain.ascii, service);
	case CERT_XMPP_ADDR:
		return strcasecmp(name->text, domain.unicode ? domain.unicode : domain.ascii) == 0;
	case CERT_ADDRESS:
		break;
	}
	return false;
}

bool
cert_fits(const struct cert *cert, struct cert_domain domain, enum cert_service service)
{
	for (size_t i = 0; i < cert->names_n; i++)
		if (name_fits(&cert->names[i], domain, service))
			return true;
	return address_fits(cert, domain.ascii);
}
