/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * A DNS server for tests.  That a name or type is not there it proves, in the signed zone, with an NSEC record of just
 * that name, made for the question (as RFC 4470 has it); so there every name exists.
 */
#include "dns_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/mem.h"
#include "net_test.h"

enum {
	A = 1,
	CNAME = 5,
	SOA = 6,
	AAAA = 28,
	SRV = 33,
	RRSIG = 46,
	NSEC = 47,
	DNSKEY = 48,
	TLSA = 52
};
#define TTL 300
#define ECDSA_P256 13
#define SETS_MAX 8

static const struct dns_server_record *records;
static int server = -1;
static pthread_t thread;
static EVP_PKEY *key;
static unsigned char key_rdata[4 + 64];
static char address[32], anchor[] = "/tmp/dns-server-XXXXXX";
static pthread_mutex_t asked_lock = PTHREAD_MUTEX_INITIALIZER;
static struct buf asked; /* names, each between blanks */

/* --- Wire form (RFC 1035) ------------------------------------------------------------------ */

static void
put16(struct buf *b, unsigned v)
{
	buf_putc(b, (char)(v >> 8));
	buf_putc(b, (char)v);
}

static void
put32(struct buf *b, uint32_t v)
{
	put16(b, v >> 16);
	put16(b, v & 0xffff);
}

static void
put_name(struct buf *b, const char *name)
{
	while (*name && strcmp(name, ".") != 0) {
		size_t len = strcspn(name, ".");

		buf_putc(b, (char)len);
		buf_append(b, name, len);
		name += len + (name[len] == '.');
	}
	buf_putc(b, 0);
}

static unsigned
type_number(const char *type)
{
	static const struct {
		const char *name;
		unsigned number;
	} types[] = {
		{ "A", A }, { "AAAA", AAAA }, { "SRV", SRV }, { "TLSA", TLSA }, { "CNAME", CNAME }
	};

	for (size_t i = 0; i < HM_COUNT(types); i++) {
		if (strcmp(types[i].name, type) == 0)
			return types[i].number;
	}
	return 0;
}

static void
put_data(struct buf *b, unsigned type, const char *data)
{
	unsigned v[3];
	char text[256];
	unsigned char bytes[128];

	if (type == A) {
		CHECK(inet_pton(AF_INET, data, bytes) == 1);
		buf_append(b, bytes, 4);
	} else if (type == AAAA) {
		CHECK(inet_pton(AF_INET6, data, bytes) == 1);
		buf_append(b, bytes, 16);
	} else if (type == SRV) {
		CHECK(sscanf(data, "%u %u %u %255s", &v[0], &v[1], &v[2], text) == 4);
		for (size_t i = 0; i < 3; i++)
			put16(b, v[i]);
		put_name(b, text);
	} else if (type == TLSA) {
		CHECK(sscanf(data, "%u %u %u %255s", &v[0], &v[1], &v[2], text) == 4);
		for (size_t i = 0; i < 3; i++)
			buf_putc(b, (char)v[i]);
		CHECK(hex_decode(bytes, text, strlen(text)));
		buf_append(b, bytes, strlen(text) / 2);
	} else if (type == CNAME) {
		put_name(b, data);
	}
}

/* --- Sets of records --------------------------------------------------------------------------- */

struct set {
	const char *name;
	unsigned type, n;
	struct buf data[32];
	enum dns_server_way way;
};

static bool
is_signed(const char *name)
{
	size_t len = strlen(name), zone = strlen(DNS_SERVER_SIGNED);

	return len >= zone && strcmp(name + len - zone, DNS_SERVER_SIGNED) == 0;
}

static int
compare_data(const void *pa, const void *pb)
{
	const struct buf *a = pa, *b = pb;
	int c = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);

	return c ? c : (int)a->len - (int)b->len;
}

static void
add_data(struct set *s, struct buf *take)
{
	s->data[s->n++] = *take;
	qsort(s->data, s->n, sizeof(s->data[0]), compare_data);
}

static void
put_record(struct buf *out, const char *name, unsigned type, const struct buf *data)
{
	put_name(out, name);
	put16(out, type);
	put16(out, 1);
	put32(out, TTL);
	put16(out, (unsigned)data->len);
	buf_append(out, data->data, data->len);
}

static unsigned
key_tag(void)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(key_rdata); i++)
		sum += i & 1 ? key_rdata[i] : (uint32_t)key_rdata[i] << 8;
	return (sum + (sum >> 16)) & 0xffff;
}

static void
sign(const struct buf *data, unsigned char out[64])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char der[128];
	const unsigned char *p = der;
	size_t len = sizeof(der);
	ECDSA_SIG *sig;

	EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key);
	CHECK(EVP_DigestSign(ctx, der, &len, (unsigned char *)data->data, data->len) == 1);
	sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + 32, 32);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
}

/* RFC 4034 3.1.8.1; returns how many records. */
static unsigned
put_signature(struct buf *out, const struct set *s)
{
	struct buf data = { 0 }, text = { 0 };
	uint32_t now = (uint32_t)time(NULL);
	unsigned labels = 1;
	unsigned char signature[64];

	if (!is_signed(s->name) || s->way == WAY_UNSIGNED)
		return 0;
	for (const char *p = s->name; *p; p++)
		labels += *p == '.';
	put16(&data, s->type);
	buf_putc(&data, ECDSA_P256);
	buf_putc(&data, (char)labels);
	put32(&data, TTL);
	put32(&data, now + 86400);
	put32(&data, now - 86400);
	put16(&data, key_tag());
	put_name(&data, DNS_SERVER_SIGNED);
	buf_append(&text, data.data, data.len);
	for (unsigned i = 0; i < s->n; i++)
		put_record(&text, s->name, s->type, &s->data[i]);
	sign(&text, signature);
	if (s->way == WAY_SPOIL)
		signature[20] ^= 1;
	buf_append(&data, signature, sizeof(signature));
	put_record(out, s->name, RRSIG, &data);
	buf_free(&data);
	buf_free(&text);
	return 1;
}

static unsigned
put_set(struct buf *out, struct set *s)
{
	unsigned n = s->n;

	for (unsigned i = 0; i < s->n; i++)
		put_record(out, s->name, s->type, &s->data[i]);
	n += put_signature(out, s);
	for (unsigned i = 0; i < s->n; i++)
		buf_free(&s->data[i]);
	return n;
}

/* --- Answers --------------------------------------------------------------------------------- */

static void
set_read(struct set *s, const char *name, unsigned type)
{
	*s = (struct set){ .name = name, .type = type };
	if (type == DNSKEY && strcmp(name, DNS_SERVER_SIGNED) == 0) {
		struct buf data = { 0 };

		buf_append(&data, key_rdata, sizeof(key_rdata));
		add_data(s, &data);
	}
	for (const struct dns_server_record *r = records; r->name; r++) {
		struct buf data = { 0 };

		if (strcmp(r->name, name) != 0 || type_number(r->type) != type)
			continue;
		if (r->way != WAY_ANSWER)
			s->way = r->way;
		if (!r->data)
			continue;
		put_data(&data, type, r->data);
		add_data(s, &data);
	}
}

static bool
name_exists(const char *name)
{
	size_t len = strlen(name);

	for (const struct dns_server_record *r = records; r->name; r++) {
		size_t n = strlen(r->name);

		if (n >= len && strcmp(r->name + n - len, name) == 0 &&
		    (n == len || r->name[n - len - 1] == '.'))
			return true;
	}
	return is_signed(name);
}

/* RFC 4034 4.1: the name behind it is its first child, so that it denies nothing but types. */
static unsigned
put_nsec(struct buf *out, const char *name)
{
	struct set s = { .name = name, .type = NSEC };
	struct buf data = { 0 };
	unsigned char bits[8] = { 0 };

	buf_append(&data, "\1\0", 2);
	put_name(&data, name);
	for (const struct dns_server_record *r = records; r->name; r++) {
		unsigned type = type_number(r->type);

		if (strcmp(r->name, name) == 0)
			bits[type / 8] |= (unsigned char)(0x80 >> type % 8);
	}
	bits[RRSIG / 8] |= 0x80 >> RRSIG % 8;
	bits[NSEC / 8] |= 0x80 >> NSEC % 8;
	buf_putc(&data, 0);
	buf_putc(&data, sizeof(bits));
	buf_append(&data, bits, sizeof(bits));
	add_data(&s, &data);
	return put_set(out, &s);
}

static unsigned
put_nothing(struct buf *out, const char *name)
{
	struct set soa = { .name = is_signed(name) ? DNS_SERVER_SIGNED : "example", .type = SOA };
	struct buf data = { 0 };
	unsigned n;

	put_name(&data, "ns.example");
	put_name(&data, "hostmaster.example");
	for (size_t i = 0; i < 5; i++)
		put32(&data, TTL);
	add_data(&soa, &data);
	n = put_set(out, &soa);
	return is_signed(name) ? n + put_nsec(out, name) : n;
}

/* Follows a CNAME. Returns the records of the answer; *last is the name behind the chain. */
static unsigned
put_answers(struct buf *out, const char *name, unsigned type, const char **last,
            enum dns_server_way *way)
{
	struct set s;
	unsigned n = 0;

	for (unsigned hops = 0; hops < SETS_MAX; hops++) {
		set_read(&s, name, type);
		*way = s.way;
		*last = name;
		if (s.n > 0 || s.way >= WAY_FAIL)
			return n + put_set(out, &s);
		set_read(&s, name, CNAME);
		if (s.n == 0)
			return n;
		for (const struct dns_server_record *r = records; r->name; r++) {
			if (strcmp(r->name, *last) == 0 && type_number(r->type) == CNAME)
				name = r->data;
		}
		n += put_set(out, &s);
	}
	return n;
}

static bool
answer(const unsigned char *question, size_t question_len, const char *name, unsigned type,
       struct buf *out)
{
	static const unsigned char edns[] = { 0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 0 };
	struct buf body = { 0 };
	const char *last;
	enum dns_server_way way;
	unsigned answers = put_answers(&body, name, type, &last, &way), authority = 0, code = 0;
	struct set found;

	if (way == WAY_ADVANCE)
		net_test_advance(60000);
	if (way == WAY_SILENT || way == WAY_ADVANCE) {
		buf_free(&body);
		return false;
	}
	set_read(&found, last, type);
	if (way == WAY_FAIL) {
		code = 2;
	} else if (found.n == 0) {
		authority = put_nothing(&body, last);
		code = name_exists(last) ? 0 : 3;
	}
	for (unsigned i = 0; i < found.n; i++)
		buf_free(&found.data[i]);
	buf_append(out, question, 2);
	put16(out, 0x8180 | code);
	put16(out, 1);
	put16(out, answers);
	put16(out, authority);
	put16(out, 1);
	buf_append(out, question + 12, question_len - 12);
	buf_append(out, body.data ? body.data : "", body.len);
	buf_append(out, edns, sizeof(edns));
	buf_free(&body);
	return true;
}

/* Returns the length of header and question, 0: no question. */
static size_t
read_question(const unsigned char *p, size_t len, char name[256], unsigned *type)
{
	size_t at = 12, n = 0;

	while (at < len && p[at] > 0 && p[at] < 64 && at + p[at] + 5 < len && n + p[at] < 250) {
		for (size_t i = 0; i < p[at]; i++)
			name[n++] =
				(char)(p[at + 1 + i] |
			               (p[at + 1 + i] >= 'A' && p[at + 1 + i] <= 'Z' ? 0x20 : 0));
		name[n++] = '.';
		at += p[at] + 1u;
	}
	if (at + 5 > len || p[at] != 0)
		return 0;
	name[n > 0 ? n - 1 : 0] = '\0';
	*type = (unsigned)(p[at + 1] << 8 | p[at + 2]);
	return at + 5;
}

static void *
serve(void *ctx)
{
	for (;;) {
		unsigned char packet[2048];
		struct sockaddr_in from;
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(server, packet, sizeof(packet), 0, (struct sockaddr *)&from,
		                     &from_len);
		struct buf out = { 0 };
		char name[256];
		unsigned type;
		size_t len;

		if (n == 1)
			return NULL; /* dns_server_stop() */
		len = n > 12 ? read_question(packet, (size_t)n, name, &type) : 0;
		if (len == 0)
			continue;
		pthread_mutex_lock(&asked_lock);
		buf_printf(&asked, " %s ", name);
		pthread_mutex_unlock(&asked_lock);
		if (answer(packet, len, name, type, &out))
			sendto(server, out.data, out.len, 0, (struct sockaddr *)&from, from_len);
		buf_free(&out);
	}
}

/* --- Start and stop --------------------------------------------------------------------------------- */

static void
make_key(void)
{
	unsigned char point[65];
	char base64[BASE64_LEN(64) + 1];
	size_t len = 0;
	FILE *file;
	int fd;

	key = EVP_EC_gen("P-256");
	CHECK(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point),
	                                      &len) == 1 &&
	      len == 65);
	memcpy(key_rdata, "\x01\x01\x03\x0d", 4);
	memcpy(key_rdata + 4, point + 1, 64);
	base64_encode(base64, point + 1, 64);
	strcpy(anchor + sizeof(anchor) - 7, "XXXXXX");
	fd = mkstemp(anchor);
	CHECK(fd >= 0);
	file = fdopen(fd, "w");
	fprintf(file, DNS_SERVER_SIGNED ". IN DNSKEY 257 3 13 %s\n", base64);
	fclose(file);
}

const char *
dns_server_start(const struct dns_server_record *table)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(in);

	records = table;
	buf_clear(&asked);
	make_key();
	server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(bind(server, (struct sockaddr *)&in, sizeof(in)) == 0);
	CHECK(getsockname(server, (struct sockaddr *)&in, &len) == 0);
	snprintf(address, sizeof(address), "127.0.0.1@%u", ntohs(in.sin_port));
	CHECK(pthread_create(&thread, NULL, serve, NULL) == 0);
	return address;
}

const char *
dns_server_anchor(void)
{
	return anchor;
}

unsigned
dns_server_asked(const char *name)
{
	char *word = mem_printf(" %s ", name);
	unsigned n = 0;

	pthread_mutex_lock(&asked_lock);
	for (const char *p = asked.data; p && (p = strstr(p, word)); p++)
		n++;
	pthread_mutex_unlock(&asked_lock);
	mem_free(word);
	return n;
}

void
dns_server_stop(void)
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);

	CHECK(getsockname(server, (struct sockaddr *)&in, &len) == 0);
	CHECK(sendto(server, "", 1, 0, (struct sockaddr *)&in, len) == 1);
	pthread_join(thread, NULL);
	close(server);
	unlink(anchor);
	EVP_PKEY_free(key);
}
