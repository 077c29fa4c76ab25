# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""The database without a server: what is in it, and from one to the other and back."""

import os
import sqlite3
import subprocess
import sys

from server import Skipped, check, same, wait_until

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'protocol'))

from xt.postgres import Cluster, is_there  # noqa: E402

ACCOUNTS = 250  # some pages
MODULES = 'modules [ private roster vcard ]'


def other_config(server, name, storage):
    """A second configuration of the same server, with another database."""
    with open(server.config_path, encoding='utf-8') as file:
        text = file.read()
    path = server.path(name)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(f'storage {{\n\t{storage}\n}}\n{text}')
    return path


def fine(server, *options):
    status, out, err = server.run(*options)
    check(status == 0 and not err, f'{options}: status {status}: {out}{err}')
    return out


def rows(path):
    """All tables of an SQLite file, sorted."""
    base = sqlite3.connect(path)
    base.text_factory = bytes
    names = [name.decode() for name, in base.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'store_migrations' ORDER BY name")]
    return {name: sorted(base.execute(f'SELECT * FROM "{name}"'), key=repr) for name in names}


def fill(server):
    fine(server, '--db-migrate')
    base = sqlite3.connect(server.path('data/hermod.db'))
    base.executemany("INSERT INTO accounts (host, name, created_us) VALUES ('a.example', ?, ?)",
                     [(f'user{i}', i * 1000000) for i in range(ACCOUNTS)])
    base.executemany('INSERT INTO roster (account, jid, name, sub, flags, ver) VALUES (?, ?, ?, 3, 8, ?)',
                     [(i + 1, 'Jülich@b.example', None if i % 3 else '\\N\t{"x",}\n', -i) for i in range(ACCOUNTS)])
    base.executemany('INSERT INTO vcard (account, xml) VALUES (?, ?)',
                     [(i + 1, '<vCard/>' * (2000 if i % 50 == 0 else 1)) for i in range(ACCOUNTS)])
    # The last number was given to an account that is gone.
    base.execute('DELETE FROM roster WHERE account = ?', (ACCOUNTS,))
    base.execute('DELETE FROM vcard WHERE account = ?', (ACCOUNTS,))
    base.execute('DELETE FROM accounts WHERE id = ?', (ACCOUNTS,))
    base.commit()
    base.close()


def test_there_and_back(server):
    if not is_there():
        raise Skipped('PostgreSQL is not installed')
    server.configure(host=MODULES, modules='')
    fill(server)
    before = rows(server.path('data/hermod.db'))
    cluster = Cluster()
    try:
        name = cluster.create()
        postgres = other_config(server, 'pg.conf', cluster.statements(name))
        back = other_config(server, 'back.conf', 'file back.db')
        out = fine(server, '--db-copy', postgres)
        check('Everything is copied.' in out and f'{ACCOUNTS - 1} rows' in out, out)
        status, _, err = server.run('--db-copy', postgres)
        check(status == 1 and 'The new database is not empty: its table accounts has 249 rows.' in err, err)
        same(cluster.sql("SELECT nextval(pg_get_serial_sequence('accounts', 'id'))", name).strip(), str(ACCOUNTS + 1))
        same(cluster.sql("SELECT setval(pg_get_serial_sequence('accounts', 'id'), 250)", name).strip(), '250')
        first = server.config_path
        server.config_path = postgres
        check('249 rows' in fine(server, '--db-status'), 'db status')
        fine(server, '--db-copy', back)
        server.config_path = first
        same(rows(server.path('data/back.db')), before)
        status, _, err = server.run('--db-copy', back)
        check(status == 1 and 'Both databases are of the driver sqlite' in err, err)
    finally:
        cluster.remove()


def test_lanes_are_shown(server):
    if not is_there():
        raise Skipped('PostgreSQL is not installed')
    cluster = Cluster()
    try:
        server.configure(top=f'workers 2\nstorage {{\n\t{cluster.statements(cluster.create())}\n}}')
        server.start()
        lanes = wait_until(lambda: [lane for lane in server.do('show lanes') if lane['connected'] == 'yes'][1:] and
                           server.do('show lanes'), 'both lanes')
        same([lane['worker'] for lane in lanes], [0, 1])
        same([lane['waiting'] for lane in lanes], [0, 0])
        cluster.run('stop', 'immediate')
        wait_until(lambda: all(lane['connected'] == 'no' for lane in server.do('show lanes')), 'lanes cut off')
    finally:
        server.end()
        cluster.remove()


def test_hermodctl_does_it(server):
    server.configure(host=MODULES, modules='')
    env = dict(os.environ, HERMOD_SERVER=server.argv()[0])
    command = [os.path.join(server.build, 'cli', 'hermodctl'), 'db']
    done = subprocess.run(command + ['migrate'] + server.argv()[1:], env=env, capture_output=True, text=True, check=False)
    check(done.returncode == 0 and 'up to date' in done.stdout, f'{done}')
    done = subprocess.run(command + ['status'] + server.argv()[1:], env=env, capture_output=True, text=True, check=False)
    check(done.returncode == 0 and 'accounts' in done.stdout and '0 rows' in done.stdout, f'{done}')
    done = subprocess.run(command + ['drop'], env=env, capture_output=True, text=True, check=False)
    check(done.returncode != 0 and 'There are: db status' in done.stderr, f'{done}')


def test_a_copy_waits_for_the_end_of_the_server(server):
    server.configure(host=MODULES, modules='')
    server.start()
    for option in ('--db-status', '--db-migrate'):
        status, _, err = server.run(option)
        check(status == 1 and 'process' in err, f'{option}: {status} {err}')
