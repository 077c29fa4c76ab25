/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * net/tls_state.h - what a TLS context consists of; for the files of net only.
 * Immutable once made, but for its count: read on all workers.
 */
#ifndef NET_TLS_STATE_H
#define NET_TLS_STATE_H

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "base/table.h"
#include "crypto/cert.h"
#include "net/tls.h"

struct tls_file {
	char *path;
	struct timespec changed;
	ino_t inode;
	off_t size;
};

struct tls_certificate {
	SSL_CTX *ssl_ctx;
	struct tls_file file[2]; /* chain, key */
	/* RFC 5929 4.1; len 0: not defined for this certificate. */
	unsigned char end_point[CERT_END_POINT_MAX];
	size_t end_point_len;
};

struct tls_context {
	_Atomic unsigned refs;
	size_t n;
	struct tls_certificate *certificate; /* as in the hosts given; the first is the default */
	struct table by_domain;
	char **alpn; /* NULL-terminated, or NULL */
};

/* The certificate for a name, or NULL: its own entry, else that of the nearest domain above it. */
const struct tls_certificate *tls_find_certificate(const struct tls_context *ctx, const char *name);
/* A server's TLS state that starts with the certificate of `name`, which may be NULL. */
SSL *tls_ssl_new(const struct tls_context *ctx, const char *name);
/* A client's, with the certificate of `own`, which may be NULL. */
SSL *tls_ssl_new_client(const struct tls_context *ctx, const char *own);
/* The certificate that is in use now. */
const struct tls_certificate *tls_certificate_of(const SSL *ssl);
/* The first of OpenSSL's errors in words, or what is given; empties its queue. */
const char *tls_take_error(const char *otherwise);

/* certificate.c: reads the two files of a host and sets them up in its SSL_CTX. */
bool tls_certificate_load(struct tls_certificate *cert, const struct tls_host *host,
                          struct hm_error *why) HM_MUST_USE;
bool tls_file_changed(const struct tls_file *file);

#endif
