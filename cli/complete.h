/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* cli/complete.h - the tabulator key. */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include <stdbool.h>

/* The words behind "hermodctl", the last one unfinished, perhaps empty: prints what may stand in its place. */
void complete(char **words);
/* The script for a shell; false: none for this one. */
bool complete_script(const char *shell);

#endif
