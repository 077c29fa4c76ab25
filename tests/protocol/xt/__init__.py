# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""The parts of the protocol test runner; see ../README.md."""
