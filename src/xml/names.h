/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xml/names.h - the namespaces that nearly all stanzas use, as constants, so
 * that a tree points to them and does not copy them.
 */
#ifndef XML_NAMES_H
#define XML_NAMES_H

#include <stddef.h>

/* The constant equal to the len bytes at ns, or NULL. */
const char *xml_known_ns(const char *ns, size_t len);

#endif
