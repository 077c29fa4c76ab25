/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * base/codec.c - base64 of RFC 4648 4, hexadecimal, and whether bytes are UTF-8.
 * Decoding is strict: what is accepted has exactly one text form, so that two
 * different texts never mean the same secret.
 */
#include "base/codec.h"

#include <stdint.h>
#include <string.h>

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t
base64_encode(char *out, const void *data, size_t len)
{
	const unsigned char *in = data;
	char *at = out;

	for (; len >= 3; len -= 3, in += 3) {
		uint32_t group = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];

		*at++ = base64_digits[group >> 18];
		*at++ = base64_digits[group >> 12 & 63];
		*at++ = base64_digits[group >> 6 & 63];
		*at++ = base64_digits[group & 63];
	}
	if (len) {
		uint32_t group = (uint32_t)in[0] << 16 | (len == 2 ? (uint32_t)in[1] << 8 : 0);

		*at++ = base64_digits[group >> 18];
		*at++ = base64_digits[group >> 12 & 63];
		*at++ = len == 2 ? base64_digits[group >> 6 & 63] : '=';
		*at++ = '=';
	}
	*at = '\0';
	return (size_t)(at - out);
}

/* The value of a digit, or -1. */
static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four digits, the last `padding` of which are '='.  Returns 24 bits, or -1. */
static int32_t
base64_group(const char *text, unsigned padding)
{
	int32_t group = 0;

	for (unsigned i = 0; i < 4; i++) {
		int value = i < 4 - padding ? base64_value(text[i]) : 0;

		if (value < 0)
			return -1;
		group = group << 6 | value;
	}
	/* Bits that no byte takes must be zero. */
	return group & ((1 << 8 * padding) - 1) ? -1 : group;
}

bool
base64_decode(void *out, size_t *out_len, const char *text, size_t len)
{
	unsigned char *at = out;
	unsigned padding = 0;

	if (len % 4)
		return false;
	if (len && text[len - 1] == '=')
		padding = text[len - 2] == '=' ? 2 : 1;
	for (size_t i = 0; i < len; i += 4) {
		unsigned pad = i + 4 == len ? padding : 0;
		int32_t group = base64_group(text + i, pad);

		if (group < 0)
			return false;
		*at++ = (unsigned char)(group >> 16);
		if (pad < 2)
			*at++ = (unsigned char)(group >> 8);
		if (pad < 1)
			*at++ = (unsigned char)group;
	}
	*out_len = (size_t)(at - (unsigned char *)out);
	return true;
}

void
hex_encode(char *out, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *in = data;

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[in[i] >> 4];
		*out++ = digits[in[i] & 15];
	}
	*out = '\0';
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
hex_decode(void *out, const char *text, size_t len)
{
	unsigned char *at = out;

	if (len % 2)
		return false;
	for (size_t i = 0; i < len; i += 2) {
		int high = hex_value(text[i]), low = hex_value(text[i + 1]);

		if (high < 0 || low < 0)
			return false;
		*at++ = (unsigned char)(high << 4 | low);
	}
	return true;
}

/* The length of the character at s if it is one in UTF-8, else 0 (RFC 3629 4). */
static size_t
utf8_char(const unsigned char *s, size_t len)
{
	unsigned char low = 0x80, high = 0xbf; /* what the second byte may be */
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xe0)
		low = 0xa0; /* overlong */
	else if (s[0] == 0xed)
		high = 0x9f; /* surrogates */
	else if (s[0] == 0xf0)
		low = 0x90; /* overlong */
	else if (s[0] == 0xf4)
		high = 0x8f; /* above U+10FFFF */
	if (len < n || s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool
utf8_valid(const char *s, size_t len)
{
	const unsigned char *at = (const unsigned char *)s;

	while (len) {
		uint64_t eight;
		size_t n;

		for (; len >= 8; at += 8, len -= 8) {
			memcpy(&eight, at, 8);
			if (eight & 0x8080808080808080)
				break;
		}
		if (len == 0)
			return true;
		n = utf8_char(at, len);
		if (n == 0)
			return false;
		at += n;
		len -= n;
	}
	return true;
}
