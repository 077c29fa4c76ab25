/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Certificates in files: made, read, refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/cert.h"

static char directory[64], chain_path[80], key_path[80], other_path[80];

static int
make_directory(void **state)
{
	snprintf(directory, sizeof(directory), "/tmp/hermod-test-cert-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(chain_path, sizeof(chain_path), "%s/cert.pem", directory);
	snprintf(key_path, sizeof(key_path), "%s/key.pem", directory);
	snprintf(other_path, sizeof(other_path), "%s/other.pem", directory);
	return 0;
}

/* Fails if a file is left that no test knows of. */
static int
remove_directory(void **state)
{
	unlink(chain_path);
	unlink(key_path);
	unlink(other_path);
	return rmdir(directory);
}

static void
make(const char *domain, const char *chain, const char *key)
{
	const char *const domains[] = { domain };
	struct hm_error why;

	assert_true(cert_make(&(struct cert_order){ domains, 1, 90, chain, key }, &why));
}

static void
write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

static void
append_file(const char *to, const char *from)
{
	static char text[10000];
	FILE *f = fopen(from, "r");
	size_t len = fread(text, 1, sizeof(text), f);

	fclose(f);
	f = fopen(to, "a");
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
}

static unsigned
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void
a_made_certificate_can_be_loaded(void **state)
{
	static const char *const domains[] = { "a.example", "*.a.example", "b.example", "127.0.0.1",
		                               "[::1]" };
	struct cert_order order = { domains, HM_COUNT(domains), 90, chain_path, key_path };
	const struct cert_name *names;
	struct hm_error why;
	struct cert *cert;

	assert_true(cert_make(&order, &why));
	assert_int_equal(mode_of(key_path), 0600);
	assert_int_equal(mode_of(chain_path), 0644);
	cert = cert_load(chain_path, key_path, &why);
	assert_non_null(cert);
	assert_int_equal(cert_chain_count(cert), 0);
	assert_int_equal(cert_names(cert, &names), 5);
	assert_string_equal(names[0].text, "a.example");
	assert_string_equal(names[1].text, "*.a.example");
	assert_int_equal(names[3].type, CERT_ADDRESS);
	assert_string_equal(names[3].text, "127.0.0.1");
	for (size_t i = 0; i < HM_COUNT(domains); i++)
		if (domains[i][0] != '*')
			assert_true(cert_fits(cert, (struct cert_domain){ domains[i], NULL },
			                      CERT_XMPP_CLIENT));
	cert_free(&cert);
	assert_null(cert);
	cert_free(&cert);
}

static void
a_made_certificate_is_a_good_one(void **state)
{
	const int64_t day_us = INT64_C(86400000000), minute_us = 60000000;
	struct hm_error why;
	struct cert *cert;

	clock_advance(INT64_C(86400000) * 1000); /* the times are those of base/clock.h */
	make("a.example", chain_path, key_path);
	cert = cert_load(chain_path, key_path, &why);
	assert_non_null(cert);
	assert_in_range(clock_wall_us() - cert_not_before_us(cert), day_us, day_us + minute_us);
	assert_in_range(cert_not_after_us(cert) - clock_wall_us(), 90 * day_us - minute_us,
	                90 * day_us);
	assert_int_equal(EVP_PKEY_get_base_id(cert_key(cert)), EVP_PKEY_EC);
	assert_int_equal(X509_verify(cert_x509(cert), cert_key(cert)), 1);
	assert_int_equal(X509_check_purpose(cert_x509(cert), X509_PURPOSE_SSL_SERVER, 0), 1);
	assert_int_equal(X509_get_extension_flags(cert_x509(cert)) & EXFLAG_INVALID, 0);
	cert_free(&cert);
}

static void
key_and_certificate_may_share_a_file(void **state)
{
	struct hm_error why;
	struct cert *cert;

	make("a.example", key_path, key_path);
	assert_int_equal(mode_of(key_path), 0600);
	cert = cert_load(key_path, key_path, &why);
	assert_non_null(cert);
	cert_free(&cert);
}

static void
the_certificates_in_between_are_kept(void **state)
{
	const struct cert_name *names;
	struct cert *cert, *between;
	struct hm_error why;

	make("b.example", other_path, key_path);
	make("a.example", chain_path, key_path);
	append_file(chain_path, other_path);
	cert = cert_load(chain_path, key_path, &why);
	assert_non_null(cert);
	assert_int_equal(cert_chain_count(cert), 1);
	between = cert_new_from_x509(cert_chain(cert, 0));
	cert_free(&cert);
	assert_int_equal(cert_names(between, &names), 1);
	assert_string_equal(names[0].text, "b.example");
	assert_null(cert_key(between));
	cert_free(&between);
}

static void
a_key_of_another_certificate_is_refused(void **state)
{
	struct hm_error why;

	make("a.example", chain_path, key_path);
	make("b.example", other_path, other_path);
	assert_null(cert_load(chain_path, other_path, &why));
	assert_non_null(strstr(why.text, "other.pem: the key is not that of the certificate"));
	assert_int_equal(ERR_peek_error(), 0);
}

static void
what_is_no_certificate_is_refused_with_a_reason(void **state)
{
	struct hm_error why;

	assert_null(cert_load(chain_path, key_path, &why));
	assert_int_equal(why.code, HM_E_NOT_FOUND);
	assert_null(cert_load(directory, key_path, &why));
	assert_non_null(strstr(why.text, "not a file"));
	write_text(chain_path, "");
	assert_null(cert_load(chain_path, key_path, &why));
	assert_non_null(strstr(why.text, "cert.pem: no certificate in PEM form"));
	write_text(chain_path, "-----BEGIN CERTIFICATE-----\nnonsense\n");
	assert_null(cert_load(chain_path, key_path, &why));
	make("a.example", chain_path, key_path);
	assert_null(cert_load(chain_path, chain_path, &why));
	assert_non_null(strstr(why.text, "cert.pem: no private key in PEM form"));
	write_text(other_path, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
	append_file(chain_path, other_path);
	assert_null(cert_load(chain_path, key_path, &why));
	assert_non_null(strstr(why.text, "a certificate of the chain can't be read"));
	assert_int_equal(ERR_peek_error(), 0);
}

static void
an_endless_chain_is_refused(void **state)
{
	struct hm_error why;

	make("b.example", other_path, key_path);
	make("a.example", chain_path, key_path);
	for (int i = 0; i < CERT_CHAIN_MAX + 1; i++)
		append_file(chain_path, other_path);
	assert_null(cert_load(chain_path, key_path, &why));
	assert_int_equal(why.code, HM_E_LIMIT);
}

static void
an_endless_file_is_refused(void **state)
{
	struct hm_error why;

	write_text(chain_path, "");
	assert_int_equal(truncate(chain_path, 2 << 20), 0);
	assert_null(cert_load(chain_path, key_path, &why));
	assert_int_equal(why.code, HM_E_LIMIT);
	assert_null(cert_load("/dev/zero", key_path, &why));
	assert_int_equal(why.code, HM_E_INVALID);
}

/* Nobody is asked for the passphrase: the test would hang. */
static void
an_encrypted_key_is_refused(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	char passphrase[] = "sesame";
	struct hm_error why;
	FILE *f;

	make("a.example", chain_path, key_path);
	f = fopen(other_path, "w");
	assert_true(
		PEM_write_PKCS8PrivateKey(f, key, EVP_aes_256_cbc(), passphrase, 6, NULL, NULL));
	fclose(f);
	EVP_PKEY_free(key);
	assert_null(cert_load(chain_path, other_path, &why));
	assert_non_null(strstr(why.text, "without a passphrase"));
}

static void
a_key_that_all_can_read_is_warned_of(void **state)
{
	uint64_t before = log_count(HM_WARN);
	struct hm_error why;
	struct cert *cert;

	make("a.example", chain_path, key_path);
	cert = cert_load(chain_path, key_path, &why);
	assert_non_null(cert);
	cert_free(&cert);
	assert_int_equal(log_count(HM_WARN), before);
	assert_int_equal(chmod(key_path, 0644), 0);
	cert = cert_load(chain_path, key_path, &why);
	assert_non_null(cert);
	cert_free(&cert);
	assert_int_equal(log_count(HM_WARN), before + 1);
}

static void
a_wrong_order_makes_nothing(void **state)
{
	static const char *const wrong[] = {
		"", "b\xc3\xbc.example", "a b", "a..b", ".a", "a.", "*.", "*", "a.*.b", "a\nb"
	};
	const char *domain = "a.example";
	struct hm_error why;

	for (size_t i = 0; i < HM_COUNT(wrong); i++) {
		assert_false(cert_make(
			&(struct cert_order){ &wrong[i], 1, 90, chain_path, key_path }, &why));
		assert_int_equal(why.code, HM_E_INVALID);
	}
	assert_false(cert_make(&(struct cert_order){ &domain, 0, 90, chain_path, key_path }, &why));
	assert_false(cert_make(&(struct cert_order){ &domain, 1, 0, chain_path, key_path }, &why));
	assert_false(cert_make(
		&(struct cert_order){ &domain, 1, 90, "/nonexistent/c", "/nonexistent/k" }, &why));
	assert_int_equal(why.code, HM_E_NOT_FOUND);
	assert_int_equal(access(chain_path, F_OK), -1);
	assert_int_equal(access(key_path, F_OK), -1);
}

static void
a_long_domain_has_no_common_name(void **state)
{
	struct hm_error why;
	struct cert *cert;
	char domain[120];

	memset(domain, 'x', sizeof(domain));
	domain[50] = '.';
	memcpy(domain + 100, ".example", 9);
	make(domain, chain_path, key_path);
	cert = cert_load(chain_path, key_path, &why);
	assert_non_null(cert);
	assert_true(cert_fits(cert, (struct cert_domain){ domain, NULL }, CERT_XMPP_SERVER));
	assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(cert_x509(cert))), 0);
	cert_free(&cert);
}

#define file_test(f) cmocka_unit_test_setup_teardown(f, make_directory, remove_directory)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		file_test(a_made_certificate_can_be_loaded),
		file_test(a_made_certificate_is_a_good_one),
		file_test(key_and_certificate_may_share_a_file),
		file_test(the_certificates_in_between_are_kept),
		file_test(a_key_of_another_certificate_is_refused),
		file_test(what_is_no_certificate_is_refused_with_a_reason),
		file_test(an_endless_chain_is_refused),
		file_test(an_endless_file_is_refused),
		file_test(an_encrypted_key_is_refused),
		file_test(a_key_that_all_can_read_is_warned_of),
		file_test(a_wrong_order_makes_nothing),
		file_test(a_long_domain_has_no_common_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
