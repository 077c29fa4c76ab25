/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * hermod/values.h - the value types that everybody shares: typed values for
 * statements, log fields and result rows; conditions; errors; logging.
 *
 * The only public header that the folders below core may include too.  All
 * macro craft of the module API lives here: C11 _Generic picks the type of a
 * value, and a macro counts arguments.
 */
#ifndef HM_VALUES_H
#define HM_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HM_PUBLIC __attribute__((visibility("default")))
#define HM_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define HM_MUST_USE __attribute__((warn_unused_result))
#define HM_NORETURN __attribute__((noreturn))

/* RFC 6120 8.3.3; the error type that goes with each is in xmpp/stanza_error.c. */
enum hm_cond {
	HM_BAD_REQUEST = 1,
	HM_CONFLICT,
	HM_FEATURE_NOT_IMPLEMENTED,
	HM_FORBIDDEN,
	HM_GONE,
	HM_INTERNAL_SERVER_ERROR,
	HM_ITEM_NOT_FOUND,
	HM_JID_MALFORMED,
	HM_NOT_ACCEPTABLE,
	HM_NOT_ALLOWED,
	HM_NOT_AUTHORIZED,
	HM_POLICY_VIOLATION,
	HM_RECIPIENT_UNAVAILABLE,
	HM_REDIRECT,
	HM_REGISTRATION_REQUIRED,
	HM_REMOTE_SERVER_NOT_FOUND,
	HM_REMOTE_SERVER_TIMEOUT,
	HM_RESOURCE_CONSTRAINT,
	HM_SERVICE_UNAVAILABLE,
	HM_SUBSCRIPTION_REQUIRED,
	HM_UNDEFINED_CONDITION,
	HM_UNEXPECTED_REQUEST,
	HM_CONDS
};

/* --- What is spoken ------------------------------------------------------- */

struct hm_spec {
	const char *name;    /* "XEP-0049", "RFC 6121" */
	const char *version; /* the revision the code was written against; "" for RFCs */
	const char *missing; /* what is not done, or NULL */
};

/* --- Errors that an administrator should read ---------------------------- */

enum hm_error_code {
	HM_E_NONE,
	HM_E_INVALID,
	HM_E_NOT_FOUND,
	HM_E_EXISTS,
	HM_E_DENIED,
	HM_E_LIMIT,
	HM_E_SYSTEM,
	HM_E_DATABASE
};

/* Filled by functions of the shape `bool f(..., struct hm_error *why)` when they return false. */
struct hm_error {
	enum hm_error_code code;
	char text[512]; /* one sentence */
};

/* --- Values --------------------------------------------------------------- */

struct hm_blob {
	const void *data;
	size_t len;
};

struct hm_value {
	enum hm_value_type { HM_V_NULL, HM_V_TEXT, HM_V_INT, HM_V_BLOB } type;
	union {
		const char *text;
		int64_t num;
		struct hm_blob blob;
	} u;
};
static inline struct hm_value
hm_value_text(const char *s)
{
	return (struct hm_value){ .type = s ? HM_V_TEXT : HM_V_NULL, .u = { .text = s } };
}
static inline struct hm_value
hm_value_int(int64_t i)
{
	return (struct hm_value){ .type = HM_V_INT, .u = { .num = i } };
}
static inline struct hm_value
hm_value_blob(struct hm_blob b)
{
	return (struct hm_value){ .type = b.data ? HM_V_BLOB : HM_V_NULL, .u = { .blob = b } };
}
/* clang-format off */
#define HM_VALUE(x) \
	_Generic((x), char *: hm_value_text, const char *: hm_value_text, bool: hm_value_int, \
	         int: hm_value_int, unsigned: hm_value_int, long: hm_value_int, \
	         unsigned long: hm_value_int, long long: hm_value_int, \
	         unsigned long long: hm_value_int, struct hm_blob: hm_value_blob)(x)

/* HM_VALUES(a, b) is "array, count", for up to ten arguments. */
#define HM_VALUES(...) HM_PICK_(_0 __VA_OPT__(,) __VA_ARGS__, HM_V10_, HM_V9_, HM_V8_, HM_V7_, HM_V6_, HM_V5_, HM_V4_, HM_V3_, HM_V2_, HM_V1_, HM_V0_)(__VA_ARGS__)
#define HM_PICK_(_0, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, pick, ...) pick
#define HM_V0_() NULL, 0
#define HM_V1_(a) (const struct hm_value[]){ HM_VALUE(a) }, 1
#define HM_V2_(a, b) (const struct hm_value[]){ HM_VALUE(a), HM_VALUE(b) }, 2
#define HM_V3_(a, b, c) (const struct hm_value[]){ HM_VALUE(a), HM_VALUE(b), HM_VALUE(c) }, 3
#define HM_V4_(a, b, c, d) (const struct hm_value[]){ HM_VALUE(a), HM_VALUE(b), HM_VALUE(c), HM_VALUE(d) }, 4
#define HM_V5_(a, b, c, d, e) (const struct hm_value[]){ HM_VALUE(a), HM_VALUE(b), HM_VALUE(c), HM_VALUE(d), HM_VALUE(e) }, 5
#define HM_V6_(a, b, c, d, e, f) (const struct hm_value[]){ HM_VALUE(a), HM_VALUE(b), HM_VALUE(c), HM_VALUE(d), HM_VALUE(e), HM_VALUE(f) }, 6
#define HM_V7_(a, b, c, d, e, f, g) (const struct hm_value[]){ HM_VALUE(a), HM_VALUE(b), HM_VALUE(c), HM_VALUE(d), HM_VALUE(e), HM_VALUE(f), HM_VALUE(g) }, 7
#define HM_V8_(a, b, c, d, e, f, g, h) (const struct hm_value[]){ HM_VALUE(a), HM_VALUE(b), HM_VALUE(c), HM_VALUE(d), HM_VALUE(e), HM_VALUE(f), HM_VALUE(g), HM_VALUE(h) }, 8
#define HM_V9_(a, b, c, d, e, f, g, h, i) (const struct hm_value[]){ HM_VALUE(a), HM_VALUE(b), HM_VALUE(c), HM_VALUE(d), HM_VALUE(e), HM_VALUE(f), HM_VALUE(g), HM_VALUE(h), HM_VALUE(i) }, 9
#define HM_V10_(a, b, c, d, e, f, g, h, i, j) (const struct hm_value[]){ HM_VALUE(a), HM_VALUE(b), HM_VALUE(c), HM_VALUE(d), HM_VALUE(e), HM_VALUE(f), HM_VALUE(g), HM_VALUE(h), HM_VALUE(i), HM_VALUE(j) }, 10
/* clang-format on */

/* --- Logging --------------------------------------------------------------- */

/* A named value of a log line or of a command's answer. */
struct hm_field {
	const char *key;
	struct hm_value value;
};
#define hm_kv(k, v) ((struct hm_field){ .key = "" k, .value = HM_VALUE(v) })
/* clang-format off */
#define HM_FIELDS(...) (const struct hm_field[]){ { 0 }, ##__VA_ARGS__ } + 1, sizeof((struct hm_field[]){ { 0 }, ##__VA_ARGS__ }) / sizeof(struct hm_field) - 1
/* clang-format on */

enum hm_level { HM_DEBUG, HM_INFO, HM_WARN, HM_ERROR };

/*
 * What a log line is about.  Contexts form a chain by parent; a line carries
 * the fields of all of them, outermost first.  `subject` is the word by which
 * `log level` picks it ("c2s", "store", a module's name); the innermost subject that is
 * not NULL counts.  Lives inside the thing that it describes; the field keys and
 * values are borrowed, so they live as long as that thing.
 */
#define HM_LOGCTX_FIELDS 3
struct hm_logctx {
	const struct hm_logctx *parent;
	const char *subject;
	unsigned n;
	struct hm_field field[HM_LOGCTX_FIELDS];
};

/* Bodies, not pointers: HM_CTX() of module.h extends this to the module handles. */
HM_PUBLIC void hm_log_(const struct hm_logctx *ctx, enum hm_level level, const char *file, int line,
                       const char *msg, const struct hm_field *fields, size_t n);
HM_PUBLIC bool hm_log_wanted(const struct hm_logctx *ctx, enum hm_level level);

/* --- Bugs ------------------------------------------------------------------ */

/* Always compiled in; prints what each worker was doing, then aborts. */
#define hm_assert(cond) ((cond) ? (void)0 : hm_assert_failed(#cond, __FILE__, __LINE__))
HM_PUBLIC HM_NORETURN void hm_assert_failed(const char *cond, const char *file, int line);

#define HM_COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* clang-format off */
#define HM_CONTAINER(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
/* clang-format on */

#endif
