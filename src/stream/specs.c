/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* stream/specs.c - what the stream side, with crypto and net below it, was written against. */
#include "stream/stream.h"

const struct hm_spec stream_specs[] = {
	{ "RFC 6120", "",
	  "SASL EXTERNAL of clients; see-other-host. The cipher suite of 13.8, which RFC 9325 rules out." },
	{ "RFC 7590", "", NULL },
	{ "RFC 4616", "", "An authorization identity other than the user's own is refused." },
	{ "RFC 5802", "", "An authorization identity other than the user's own is refused." },
	{ "RFC 7677", "", NULL },
	{ "RFC 5929", "", "tls-unique (3), which RFC 9266 replaces." },
	{ "RFC 9266", "", NULL },
	{ "XEP-0178", "1.2", "Certificates of clients." },
	{ "XEP-0185", "1.0", NULL },
	{ "XEP-0220", "1.1.1", "Target domains are not multiplexed." },
	{ "XEP-0368", "1.1.0", NULL },
	{ "XEP-0440", "1.0.0", NULL },
	{ "XEP-0478", "0.2.0", NULL },
};
const size_t stream_specs_n = HM_COUNT(stream_specs);
