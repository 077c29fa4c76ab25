/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* base/codec.h - base64 (RFC 4648 4, with padding) and hexadecimal. */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include <stdbool.h>
#include <stddef.h>

#define BASE64_LEN(n) (((n) + 2) / 3 * 4)
/* out holds BASE64_LEN(len) + 1; returns the length without the NUL. */
size_t base64_encode(char *out, const void *data, size_t len);
/* Strict: padding required, no white space, no stray bits.  out holds len / 4 * 3; false when it is not base64. */
bool base64_decode(void *out, size_t *out_len, const char *text, size_t len)
	__attribute__((warn_unused_result));
void hex_encode(char *out, const void *data, size_t len); /* lower case; out holds 2 * len + 1 */
bool hex_decode(void *out, const char *text, size_t len)
	__attribute__((warn_unused_result)); /* out holds len / 2 */
/* RFC 3629: no surrogates, no overlong forms, up to U+10FFFF. */
bool utf8_valid(const char *s, size_t len);

#endif
