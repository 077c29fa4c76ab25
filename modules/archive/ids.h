/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * ids.h - ids as clients see them.  XEP-0313 3 and XEP-0359 3 want them unpredictable and
 * telling nothing, so the number is enciphered as one block with a key of the installation; the
 * account goes in, too.  Values, no I/O, any thread.
 */
#ifndef MODULES_ARCHIVE_IDS_H
#define MODULES_ARCHIVE_IDS_H

#include <stdbool.h>
#include <stdint.h>

#define ID_TEXT_MAX 17 /* with its NUL */

struct id_key {
	uint32_t round[27]; /* of Speck64/128 */
};

/* hex: 32 digits. false: it is none; then the key is that of zeros. */
bool id_key_set(struct id_key *key, const char *hex);
/* id: 0 to 2^62-1 */
void id_write(const struct id_key *key, int64_t account, int64_t id, bool transient,
              char out[ID_TEXT_MAX]);
/* false: no such id was ever written, or not for this account (as far as one can tell). */
bool
id_read(const struct id_key *key, int64_t account, const char *text, int64_t *id, bool *transient);

#endif
