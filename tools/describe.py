# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""What the built server declares (hermod --describe), for the tools that check it or write it down."""

import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SKIP = 77


def load(folder=None):
    """The declarations of the server in a build folder; ends the program when there is none."""
    folder = folder or os.environ.get("HERMOD_BUILDDIR") or "."
    daemon = os.path.join(folder, "src/daemon/hermod")
    if not os.path.exists(daemon):
        print("there is no built server in %s" % folder)
        sys.exit(SKIP)
    done = subprocess.run([daemon, "--module-path", os.path.join(folder, "modules"), "--describe"],
                          stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit("hermod --describe ended with %d" % done.returncode)
    return json.loads(done.stdout)


def specs(described):
    """(where, spec) of the server's parts and of the modules that run unless told otherwise."""
    for part in described["parts"]:
        yield from ((part["part"], spec) for spec in part["specs"])
    for module in described["modules"]:
        if not module["on_request"]:
            yield from ((module["module"], spec) for spec in module["specs"])


def sql_part(text, driver):
    """What of a migration is for one database: lines "-- [sqlite]", "-- [all]" open a part."""
    lines, wanted = [], True
    for line in text.splitlines():
        opening = re.match(r"-- \[(.+)\]\s*$", line)
        if opening:
            wanted = opening.group(1) in ("all", driver)
        elif wanted:
            lines.append(line)
    return "\n".join(lines) + "\n"


def migrations(owner):
    """The files of "core" or a module, in their order, relative to the root."""
    folder = "schema" if owner == "core" else "modules/%s/schema" % owner
    path = os.path.join(ROOT, folder)
    names = sorted(os.listdir(path)) if os.path.isdir(path) else []
    return ["%s/%s" % (folder, name) for name in names if re.match(r"\d{4}-.*\.sql$", name)]


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def migrated(owners):
    """An SQLite database in memory after all migrations, and the objects that each owner made."""
    base = sqlite3.connect(":memory:")
    made, before = {}, set()
    for owner in owners:
        for path in migrations(owner):
            try:
                base.executescript(sql_part(read(path), "sqlite"))
            except sqlite3.Error as error:
                sys.exit("%s:1: %s" % (path, error))
        rows = base.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"
                            " AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY rowid").fetchall()
        made[owner] = [sql for name, sql in rows if name not in before]
        before = {name for name, _ in rows}
    return base, made


# --- PostgreSQL ------------------------------------------------------------------------------

POSTGRES = os.path.join(ROOT, "tests/postgres")


def has_postgres():
    return subprocess.run([POSTGRES, "there"], check=False).returncode == 0


@contextlib.contextmanager
def postgres():
    """A cluster for as long as the block runs; gives the folder of its socket."""
    folder = tempfile.mkdtemp(prefix="hermod-postgres-")
    os.chmod(folder, 0o755)
    environment = dict(os.environ, HERMOD_CALLER=str(os.getpid()))
    try:
        subprocess.run([POSTGRES, "start", folder], check=True, env=environment)
        yield folder
    finally:
        subprocess.run([POSTGRES, "stop", folder], check=False, env=environment)
        shutil.rmtree(folder, ignore_errors=True)


def psql(folder, script, *options):
    """What psql says of a script: what it prints, and its mistakes as (line, text)."""
    done = subprocess.run(["psql", "-X", "-q", "-h", folder, "-U", "hermod", "-d", "postgres",
                           "-v", "VERBOSITY=terse", *options, "-f", "-"],
                          input=script, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False)
    return done.stdout, re.findall(r"^psql:<stdin>:(\d+): ((?:ERROR|FATAL|NOTICE).*)$", done.stderr, re.M)


def migrate_postgres(folder, owners):
    for owner in owners:
        for path in migrations(owner):
            for _, text in psql(folder, "BEGIN;\n%s;COMMIT;" % sql_part(read(path), "postgresql"))[1]:
                sys.exit("%s:1: %s" % (path, text))
