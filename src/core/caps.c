/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/caps.c - the verification string of a host's entity capabilities (XEP-0115 5.1): a hash
 * over what it says of itself.  Made when hosts are published, so that it costs nothing later.
 */
#include "core/caps.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/mem.h"
#include "core/here.h"
#include "core/info.h"
#include "crypto/hash.h"

#define SHA1_BYTES 20

/* Older ones are kept: somebody may be reading them, and there are few. */
struct host_caps {
	const struct host_caps *older;
	char ver[BASE64_LEN(SHA1_BYTES) + 1];
};

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
put(struct buf *s, const char *text)
{
	buf_puts(s, text);
	buf_putc(s, '<');
}

static void
put_forms(struct buf *s, const struct hm_info *info)
{
	const char *forms[INFO_MAX];

	memcpy(forms, info->forms, info->n_forms * sizeof(char *));
	qsort(forms, info->n_forms, sizeof(char *), by_text);
	for (size_t f = 0; f < info->n_forms; f++) {
		const char *vars[INFO_MAX];
		size_t n = 0;

		put(s, forms[f]);
		for (size_t i = 0; i < info->n_fields; i++) {
			if (strcmp(info->forms[info->fields[i].form], forms[f]) == 0)
				vars[n++] = info->fields[i].var;
		}
		qsort(vars, n, sizeof(char *), by_text);
		for (size_t v = 0; v < n; v++) {
			put(s, vars[v]);
			for (size_t i = 0; i < info->n_fields; i++) {
				if (info->fields[i].var != vars[v])
					continue;
				qsort(info->fields[i].values, info->fields[i].n, sizeof(char *),
				      by_text);
				for (size_t k = 0; k < info->fields[i].n; k++)
					put(s, info->fields[i].values[k]);
			}
		}
	}
}

static void
compute(const struct hm_info *info, char *out)
{
	struct buf s = { 0 };
	unsigned char digest[CRYPTO_HASH_MAX];

	for (size_t i = 0; i < info->n_identities; i++) {
		const struct info_identity *id = &info->identities[i];

		buf_printf(&s, "%s/%s//%s<", id->category, id->type, id->name ? id->name : "");
	}
	for (size_t i = 0; i < info->n_features; i++)
		put(&s, info->features[i]);
	put_forms(&s, info);
	crypto_digest(CRYPTO_SHA1, s.data, s.len, digest);
	base64_encode(out, digest, SHA1_BYTES);
	buf_free(&s);
}

void
caps_renew(struct host *h)
{
	const struct host_caps *now = atomic_load(&h->caps);
	struct host_caps *next = mem_new(struct host_caps);
	struct arena *arena = arena_new(0);

	compute(info_published(h, arena), next->ver);
	arena_free(&arena);
	if (now && strcmp(now->ver, next->ver) == 0) {
		mem_free(next);
		return;
	}
	next->older = now;
	atomic_store(&h->caps, next);
}

const char *
hm_caps_ver(const struct hm_mod *m)
{
	const struct host_caps *caps = atomic_load_explicit(&m->host->caps, memory_order_acquire);

	return caps ? caps->ver : "";
}
