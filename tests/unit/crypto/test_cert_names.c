/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* For whom a certificate speaks (RFC 6125, RFC 6120 13.7), and its channel binding (RFC 5929). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "crypto/cert.h"

/* OpenSSL's notation of the two names of RFC 6120 13.7.1. */
#define XMPP_ADDR "otherName:1.3.6.1.5.5.7.8.5;UTF8:"
#define SRV "otherName:1.3.6.1.5.5.7.8.7;IA5:"

static void
add_names(X509 *x509, const char *names)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, x509, x509, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_alt_name, names);
	assert_non_null(e);
	X509_add_ext(x509, e, -1);
	X509_EXTENSION_free(e);
}

/* Self-signed; names may be NULL. */
static X509 *
x509_with(const char *names, EVP_PKEY *key, const EVP_MD *md)
{
	X509 *x509 = X509_new();

	X509_set_version(x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
	X509_gmtime_adj(X509_getm_notBefore(x509), 0);
	X509_gmtime_adj(X509_getm_notAfter(x509), 1000);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
	                           (const unsigned char *)"common.example", -1, -1, 0);
	X509_set_issuer_name(x509, X509_get_subject_name(x509));
	X509_set_pubkey(x509, key);
	if (names)
		add_names(x509, names);
	assert_true(X509_sign(x509, key, md) > 0);
	return x509;
}

static struct cert *
cert_with(const char *names)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x509 = x509_with(names, key, EVP_sha256());
	struct cert *cert = cert_new_from_x509(x509);

	X509_free(x509);
	EVP_PKEY_free(key);
	return cert;
}

static bool
fits(const char *names, const char *domain, enum cert_service service)
{
	struct cert *cert = cert_with(names);
	bool it_fits = cert_fits(cert, (struct cert_domain){ domain, NULL }, service);

	cert_free(&cert);
	return it_fits;
}

static bool
fits_client(const char *names, const char *domain)
{
	return fits(names, domain, CERT_XMPP_CLIENT);
}

static void
a_dns_name_fits_its_domain_only(void **state)
{
	assert_true(fits_client("DNS:im.example.com", "im.example.com"));
	assert_true(fits_client("DNS:IM.Example.COM", "im.example.com"));
	assert_true(fits_client("DNS:other.example,DNS:im.example.com", "im.example.com"));
	assert_true(fits("DNS:im.example.com", "im.example.com", CERT_XMPP_SERVER));
	assert_false(fits_client("DNS:example.com", "im.example.com"));
	assert_false(fits_client("DNS:im.example.com", "example.com"));
	assert_false(fits_client("DNS:im.example.com.evil.example", "im.example.com"));
	assert_false(fits_client("DNS:im.example.com", ""));
}

/* RFC 6125 6.4.3. */
static void
a_star_stands_for_one_left_most_label(void **state)
{
	assert_true(fits_client("DNS:*.example.com", "im.example.com"));
	assert_true(fits_client("DNS:*.EXAMPLE.com", "xn--bcher-kva.example.com"));
	assert_false(fits_client("DNS:*.example.com", "example.com"));
	assert_false(fits_client("DNS:*.example.com", ".example.com"));
	assert_false(fits_client("DNS:*.example.com", "a.im.example.com"));
	assert_false(fits_client("DNS:*.com", "example.com"));
	assert_false(fits_client("DNS:*", "example"));
	assert_false(fits_client("DNS:*.*.example.com", "a.b.example.com"));
	assert_false(fits_client("DNS:im.*.com", "im.example.com"));
	assert_false(fits_client("DNS:i*.example.com", "im.example.com"));
}

/* RFC 6120 13.7.1.2.2. */
static void
a_srv_name_is_for_one_service(void **state)
{
	assert_true(fits(SRV "_xmpp-client.im.example.com", "im.example.com", CERT_XMPP_CLIENT));
	assert_true(fits(SRV "_xmpp-server.im.example.com", "im.example.com", CERT_XMPP_SERVER));
	assert_false(fits(SRV "_xmpp-client.im.example.com", "im.example.com", CERT_XMPP_SERVER));
	assert_false(fits(SRV "_xmpp-server.im.example.com", "im.example.com", CERT_XMPP_CLIENT));
	assert_false(fits_client(SRV "_imap.im.example.com", "im.example.com"));
	assert_false(fits_client(SRV "im.example.com", "im.example.com"));
	assert_false(fits_client("otherName:1.3.6.1.5.5.7.8.7;UTF8:_xmpp-client.a.example",
	                         "a.example"));
}

/* RFC 6120 13.7.1.4: there the domain stands in Unicode. */
static void
an_xmpp_address_is_compared_in_unicode(void **state)
{
	struct cert_domain domain = { "xn--bcher-kva.example", "b\u00fccher.example" };
	/* OpenSSL's notation is Latin-1; what then stands in the certificate is UTF-8. */
	struct cert *cert =
		cert_with(XMPP_ADDR "b\374cher.example," XMPP_ADDR "romeo@im.example.com");
	const struct cert_name *names;

	assert_true(cert_fits(cert, domain, CERT_XMPP_SERVER));
	assert_false(cert_fits(cert, (struct cert_domain){ domain.ascii, NULL }, CERT_XMPP_SERVER));
	assert_false(
		cert_fits(cert, (struct cert_domain){ "im.example.com", NULL }, CERT_XMPP_SERVER));
	assert_int_equal(cert_names(cert, &names), 2);
	assert_int_equal(names[1].type, CERT_XMPP_ADDR);
	assert_string_equal(names[1].text, "romeo@im.example.com");
	cert_free(&cert);
	assert_true(fits_client(XMPP_ADDR "im.example.com", "im.example.com"));
	assert_false(fits_client(XMPP_ADDR "*.example.com", "im.example.com"));
}

static void
an_address_fits_an_address(void **state)
{
	assert_true(fits_client("IP:192.0.2.1", "192.0.2.1"));
	assert_true(fits_client("IP:2001:db8::1", "[2001:db8::1]"));
	assert_true(fits_client("IP:2001:db8::1", "[2001:0DB8:0::1]"));
	assert_false(fits_client("IP:192.0.2.1", "192.0.2.2"));
	assert_false(fits_client("IP:192.0.2.1", "[192.0.2.1]"));
	assert_false(fits_client("IP:192.0.2.1", "192.0.2"));
	assert_int_equal(ERR_peek_error(), 0);
}

static void
the_common_name_never_counts(void **state)
{
	assert_false(fits_client(NULL, "common.example"));
	assert_false(fits_client("email:romeo@common.example,URI:xmpp:common.example",
	                         "common.example"));
}

/* A name that a careless authority may have signed for the owner of evil.example. */
static void
a_name_with_a_nul_inside_is_none(void **state)
{
	static const unsigned char name[] = "im.example.com\0.evil.example";
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x509 = x509_with(NULL, key, EVP_sha256());
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *general = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();
	const struct cert_name *found;
	struct cert *cert;

	ASN1_STRING_set(text, name, sizeof(name) - 1);
	GENERAL_NAME_set0_value(general, GEN_DNS, text);
	sk_GENERAL_NAME_push(names, general);
	assert_int_equal(X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, 0), 1);
	cert = cert_new_from_x509(x509);
	assert_int_equal(cert_names(cert, &found), 0);
	cert_free(&cert);
	GENERAL_NAMES_free(names);
	X509_free(x509);
	EVP_PKEY_free(key);
}

static void
an_extension_of_nonsense_is_ignored(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x509 = x509_with(NULL, key, EVP_sha256());
	ASN1_OCTET_STRING *nonsense = ASN1_OCTET_STRING_new();
	const struct cert_name *found;
	X509_EXTENSION *e;
	struct cert *cert;

	ASN1_OCTET_STRING_set(nonsense, (const unsigned char *)"nonsense", 8);
	e = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, nonsense);
	X509_add_ext(x509, e, -1);
	cert = cert_new_from_x509(x509);
	assert_int_equal(cert_names(cert, &found), 0);
	assert_false(cert_fits(cert, (struct cert_domain){ "a.example", NULL }, CERT_XMPP_CLIENT));
	assert_int_equal(ERR_peek_error(), 0);
	cert_free(&cert);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(nonsense);
	X509_free(x509);
	EVP_PKEY_free(key);
}

/* --- Channel binding --------------------------------------------------------- */

static void
check_end_point(EVP_PKEY *key, const EVP_MD *signed_with, const EVP_MD *hashed_with)
{
	X509 *x509 = x509_with("DNS:a.example", key, signed_with);
	unsigned char ours[CERT_END_POINT_MAX], expected[EVP_MAX_MD_SIZE];
	unsigned expected_len;
	size_t len;

	assert_true(cert_end_point(x509, ours, &len));
	X509_digest(x509, hashed_with, expected, &expected_len);
	assert_int_equal(len, expected_len);
	assert_memory_equal(ours, expected, len);
	X509_free(x509);
}

/* RFC 5929 4.1. */
static void
the_end_point_is_hashed_as_the_certificate_was_signed(void **state)
{
	EVP_PKEY *ec = EVP_EC_gen("P-256"), *rsa = EVP_RSA_gen(2048);

	check_end_point(ec, EVP_sha256(), EVP_sha256());
	check_end_point(ec, EVP_sha384(), EVP_sha384());
	check_end_point(ec, EVP_sha512(), EVP_sha512());
	check_end_point(ec, EVP_sha1(), EVP_sha256());
	check_end_point(rsa, EVP_sha1(), EVP_sha256());
	check_end_point(rsa, EVP_sha512(), EVP_sha512());
	EVP_PKEY_free(ec);
	EVP_PKEY_free(rsa);
}

static void
the_end_point_of_a_pss_signature_has_its_hash(void **state)
{
	EVP_PKEY *rsa = EVP_RSA_gen(2048);
	X509 *x509 = x509_with("DNS:a.example", rsa, EVP_sha256());
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char out[CERT_END_POINT_MAX];
	EVP_PKEY_CTX *pkey;
	size_t len;

	assert_int_equal(EVP_DigestSignInit(ctx, &pkey, EVP_sha384(), NULL, rsa), 1);
	assert_true(EVP_PKEY_CTX_set_rsa_padding(pkey, RSA_PKCS1_PSS_PADDING) > 0);
	assert_true(X509_sign_ctx(x509, ctx) > 0);
	assert_true(cert_end_point(x509, out, &len));
	assert_int_equal(len, 48);
	EVP_MD_CTX_free(ctx);
	X509_free(x509);
	EVP_PKEY_free(rsa);
}

static void
the_end_point_of_an_ed25519_signature_is_undefined(void **state)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	X509 *x509 = x509_with("DNS:a.example", key, NULL);
	unsigned char out[CERT_END_POINT_MAX];
	size_t len;

	assert_false(cert_end_point(x509, out, &len));
	assert_int_equal(ERR_peek_error(), 0);
	X509_free(x509);
	EVP_PKEY_free(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dns_name_fits_its_domain_only),
		cmocka_unit_test(a_star_stands_for_one_left_most_label),
		cmocka_unit_test(a_srv_name_is_for_one_service),
		cmocka_unit_test(an_xmpp_address_is_compared_in_unicode),
		cmocka_unit_test(an_address_fits_an_address),
		cmocka_unit_test(the_common_name_never_counts),
		cmocka_unit_test(a_name_with_a_nul_inside_is_none),
		cmocka_unit_test(an_extension_of_nonsense_is_ignored),
		cmocka_unit_test(the_end_point_is_hashed_as_the_certificate_was_signed),
		cmocka_unit_test(the_end_point_of_a_pss_signature_has_its_hash),
		cmocka_unit_test(the_end_point_of_an_ed25519_signature_is_undefined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
