# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""The table of steps: which method carries out which line."""

import re

STEPS = []  # (regular expression, method)


def step(pattern):
    def register(method):
        STEPS.append((re.compile(pattern), method))
        return method
    return register


def indent(text):
    return '\n'.join(f'    {line}' for line in text.splitlines())
