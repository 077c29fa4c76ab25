/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Look-ups in the tree of statements.  Blocks are short: plain walks. */
#include "conf/node.h"

#include <string.h>

static const struct conf_node *
named(const struct conf_node *node, const char *name)
{
	while (node && strcmp(node->name, name) != 0)
		node = node->next;
	return node;
}

const struct conf_node *
conf_find(const struct conf_node *block, const char *name)
{
	return block ? named(block->first, name) : NULL;
}

const struct conf_node *
conf_find_next(const struct conf_node *node)
{
	return named(node->next, node->name);
}

static const struct conf_node *
block_or_next(const struct conf_node *node)
{
	while (node && node->kind != CONF_BLOCK)
		node = conf_find_next(node);
	return node;
}

const struct conf_node *
conf_find_block(const struct conf_node *block, const char *name)
{
	return block_or_next(conf_find(block, name));
}

const struct conf_node *
conf_find_next_block(const struct conf_node *node)
{
	return block_or_next(conf_find_next(node));
}

const struct conf_node *
conf_find_titled(const struct conf_node *block, const char *name, const char *title)
{
	const struct conf_node *node = conf_find_block(block, name);

	while (node && strcmp(node->title, title) != 0)
		node = conf_find_next_block(node);
	return node;
}
