/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Fuzz target of the configuration: any bytes are parsed and filled; what was
 * filled without a mistake is written as text and must read as the same values.
 */
#include <stdint.h>

#include "conf/snapshot.h"
#include "conf/write.h"

struct values {
	bool flag;
	int64_t number;
	size_t size;
	uint32_t wait;
	const char *text;
	int level;
	struct hm_conf_list names;
};

static const char *const levels[] = { "debug", "info", "warn", NULL };

static const struct hm_conf_key keys[] = {
	HM_KEY(struct values, flag, BOOL, "no"),
	HM_KEY(struct values, number, INT, "4", .min = "1", .max = "1024"),
	HM_KEY(struct values, size, SIZE, "64 KiB", .max = "unlimited"),
	HM_KEY(struct values, wait, DURATION, "30 s"),
	HM_KEY(struct values, text, STRING, NULL),
	HM_KEY(struct values, level, CHOICE, "info", .choices = levels),
	HM_KEY(struct values, names, LIST, "[ a b ]"),
};

static const struct conf_block_rule blocks[] = {
	{ .name = "limits" },
	{ .name = "host", .titled = true },
};

static const struct conf_schema schema = { keys, HM_COUNT(keys), blocks, HM_COUNT(blocks) };
static const struct conf_schema keys_only = { keys, HM_COUNT(keys), NULL, 0 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_again(const struct values *values, struct conf_report *report)
{
	struct conf_snapshot *again;
	struct values copy;
	struct buf text = { 0 };

	conf_write_keys(&keys_only, values, 0, &text);
	again = conf_load_text("again", text.data, text.len, report);
	hm_assert(conf_fill(again->arena, again->root, &keys_only, &copy, report));
	hm_assert(conf_compare(&keys_only, values, &copy, NULL, NULL) == 0);
	conf_snapshot_unref(&again);
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conf_report report;
	struct conf_snapshot *snapshot;
	struct buf out = { 0 };
	struct values values;

	report = (struct conf_report){ 0 };
	snapshot = conf_load_text("fuzz", (const char *)data, size, &report);
	conf_fill(snapshot->arena, snapshot->root, &schema, &values, &report);
	for (const struct conf_node *host = conf_find_block(snapshot->root, "host"); host;
	     host = conf_find_next_block(host))
		conf_fill(snapshot->arena, host, &schema, &values, &report);
	if (conf_report_clean(&report))
		read_again(&values, &report);
	conf_report_write(&report, &out);
	buf_free(&out);
	conf_snapshot_unref(&snapshot);
	return 0;
}
