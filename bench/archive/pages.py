#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""What a page of a big archive takes, and a message on the disk.

    bench/archive/pages.py [--rows 10000000] [--store sqlite|postgresql] [--build build] [--dir DIR]

Fills the archive's table with messages between local accounts over two years, one of which takes part in
every tenth, and runs the module's own statements: pages of 50 after an id, before an id, at the end, with one
address, of ordinary accounts and of the big one. Prints for each the median and the slowest of --times runs.
--other fills instead, in SQLite, a table of the form that keeps a row for each side with the text apart and
four indexes, to compare the bytes."""

import argparse
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, 'tools'), os.path.join(ROOT, 'tests', 'protocol')]
import describe  # noqa: E402

YEARS_US = 2 * 365 * 86400 * 1000000
LAST = int(time.time()) * 1000000
SKEW = 100
BODY = 'But, soft! what light through yonder window breaks? It is the east, and Juliet is the sun. '
STANZA = ("<message type='chat' id='6f1ed002ab5595859014ebf0951522d9' from='romeo@a.example/orchard.8Hf2'>"
          f"<body>{BODY}</body><active xmlns='http://jabber.org/protocol/chatstates'/>"
          "<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>"
          "<origin-id xmlns='urn:xmpp:sid:0' id='6f1ed002ab5595859014ebf0951522d9'/></message>")

NUMBERS = {'sqlite': 'WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}) ',
           'postgresql': 'WITH n AS (SELECT i FROM generate_series({first}::BIGINT, {last}) AS i) '}


def account(i, accounts):
    """Account 1 is in every tenth message."""
    return f'CASE WHEN {i} % 10 = 0 THEN 1 ELSE 2 + ({i} * 7919) % {accounts} END'


def conversation(a, b):
    return f'(({a}) * 1000003 + ({b}))'


def fill_sql(store, first, last, rows, accounts):
    step = YEARS_US // rows
    at = f'({LAST - YEARS_US} + i * {step})'
    owner, sender = account('i', accounts), f'2 + (i / 10 * 104729 + i % 5) % {accounts}'
    quoted = STANZA.replace("'", "''")
    return NUMBERS[store].format(first=first, last=last) + (
        'INSERT INTO archive (class, owner, id, sender, sender_id, conversation, sender_conversation, flags, bytes,'
        ' fingerprint, addressee, stanza)' if store == 'postgresql' else '') + (
        f'SELECT 4, {owner}, {at}, {sender}, {at} - {SKEW}, {conversation(owner, sender)},'
        f' {conversation(sender, owner)}, 1099511627776, {len(STANZA)}, i * 2654435761 % 4611686018427387904,'
        f" 'juliet@a.example', '{quoted}' FROM n")


def insert_sql(store, *more):
    text = fill_sql(store, *more)
    if store == 'postgresql':
        head, select = text.split('INSERT INTO', 1)
        return head + 'INSERT INTO' + select
    return ('INSERT INTO archive (class, owner, id, sender, sender_id, conversation, sender_conversation, flags,'
            ' bytes, fingerprint, addressee, stanza) ' + text)


OTHER = '''
CREATE TABLE archive (username TEXT NOT NULL, timestamp BIGINT NOT NULL, peer TEXT NOT NULL, bare_peer TEXT NOT NULL,
	xml TEXT NOT NULL, txt TEXT, id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, nick TEXT,
	created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE INDEX i1 ON archive (username, timestamp);
CREATE INDEX i2 ON archive (username, peer);
CREATE INDEX i3 ON archive (username, bare_peer);
CREATE INDEX i4 ON archive (timestamp);
'''


class Sqlite:
    def __init__(self, folder, other):
        self.path = os.path.join(folder, 'archive.db')
        self.base = sqlite3.connect(self.path, isolation_level=None)
        self.base.executescript('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144;')
        if other:
            self.base.executescript(OTHER)
            return
        source, _ = describe.migrated(['core', 'archive'])
        for line in source.iterdump():
            if line not in ('BEGIN TRANSACTION;', 'COMMIT;') and 'sqlite_sequence' not in line:
                self.base.execute(line)

    def run(self, sql):
        self.base.execute(sql)

    def time(self, statement, runs):
        took = []
        for arguments in runs:
            begin = time.perf_counter()
            rows = self.base.execute(statement, {str(n + 1): v for n, v in enumerate(arguments)}).fetchall()
            took.append((time.perf_counter() - begin) * 1000)
            assert rows or arguments[0] != 1
        return took

    def size(self):
        self.base.execute('PRAGMA wal_checkpoint(TRUNCATE)')
        return os.path.getsize(self.path)

    def close(self):
        self.base.close()


class Postgresql:
    def __init__(self, folder, other):
        from xt.postgres import Cluster
        self.cluster = Cluster(folder)
        self.name = self.cluster.create()
        for owner in ('core', 'archive'):
            for path in describe.migrations(owner):
                self.run(describe.sql_part(describe.read(path), 'postgresql'))
        for step in range(LAST - YEARS_US, LAST + 1, 112 * 86400 * 1000000):
            for _ in range(20):
                self.run(f'SELECT archive_maintain({step})')

    def run(self, sql):
        self.cluster.sql(sql, self.name)

    def time(self, statement, runs):
        script = f'PREPARE page AS {statement};'
        for arguments in runs:
            values = ', '.join(f"'{a}'" if isinstance(a, str) else str(a) for a in arguments)
            script += f'EXPLAIN (ANALYZE, TIMING OFF) EXECUTE page({values});'
        lines = self.cluster.sql(script, self.name).splitlines()
        times = [float(line.split(':')[1].split()[0]) for line in lines
                 if line.startswith(('Planning Time', 'Execution Time'))]
        return [a + b for a, b in zip(times[::2], times[1::2])]

    def size(self):
        self.run('VACUUM ANALYZE archive')
        return int(self.cluster.sql(
            "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('archive')", self.name))

    def close(self):
        self.cluster.remove()


def statements(store, build):
    """Pages forward, backward, and both with one address, in this order."""
    module = next(m for m in describe.load(build)['modules'] if m['module'] == 'archive')
    found = [s[store] for s in module['statements'] if 'p.ahead < $5' in s[store]]
    assert len(found) == 4
    return found


def measure(base, options, accounts):
    forward, backward, with_forward, with_backward = statements(options.store, options.build)
    end = LAST + 86400 * 1000000
    chance = random.Random(1)

    def place():
        return LAST - chance.randrange(YEARS_US)

    def somebody():
        return 2 + chance.randrange(accounts)

    def pages(who, where):
        return [(w, *where(), 51, 262144) for w in (who() for _ in range(options.times))]

    def conversations(who, where):
        out = []
        for _ in range(options.times):
            i = chance.randrange(options.rows // 10) * 10 + (0 if who() == 1 else 1)
            a = 1 if i % 10 == 0 else 2 + i * 7919 % accounts
            b = 2 + (i // 10 * 104729 + i % 5) % accounts
            out.append((a, *where(), 51, 262144, a * 1000003 + b, 0, ''))
        return out

    after, before, tail = (lambda: (place(), end)), (lambda: (0, place())), (lambda: (0, end))
    day = (lambda: (LAST - 86400 * 1000000, end))
    for name, who in (('an account', somebody), ('the big one', lambda: 1)):
        for what, statement, runs in (
                ('after an id', forward, pages(who, after)),
                ('after an id of today', forward, pages(who, day)),
                ('before an id', backward, pages(who, before)),
                ('the last page', backward, pages(who, tail)),
                ('with, after an id', with_forward, conversations(who, after)),
                ('with, the last page', with_backward, conversations(who, tail))):
            took = sorted(base.time(statement, runs))
            print(f'{name:12} {what:22} median {took[len(took) // 2]:7.2f} ms   slowest {took[-1]:7.2f} ms', flush=True)


def fill_other(base, rows, accounts):
    quoted = STANZA.replace("'", "''")
    for side in range(2):
        a, b = account('i', accounts), f'2 + (i / 10 * 104729 + i % 5) % {accounts}'
        a, b = (b, a) if side else (a, b)
        base.run('INSERT INTO archive (username, timestamp, peer, bare_peer, xml, txt, kind, nick) '
                 + NUMBERS['sqlite'].format(first=1, last=rows)
                 + f"SELECT 'user' || ({a}), {LAST - YEARS_US} + i * {YEARS_US // rows},"
                 f" 'user' || ({b}) || '@a.example/orchard', 'user' || ({b}) || '@a.example', '{quoted}', '{BODY}',"
                 " 'chat', '' FROM n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--rows', type=int, default=10000000)
    parser.add_argument('--store', choices=('sqlite', 'postgresql'), default='sqlite')
    parser.add_argument('--times', type=int, default=200)
    parser.add_argument('--build', default=os.path.join(ROOT, 'build', 'bench'))
    parser.add_argument('--dir')
    parser.add_argument('--other', action='store_true')
    options = parser.parse_args()
    accounts = max(options.rows // 1000, 10)
    with tempfile.TemporaryDirectory(prefix='hermod-archive-', dir=options.dir) as folder:
        os.chmod(folder, 0o755)
        base = (Sqlite if options.store == 'sqlite' else Postgresql)(folder, options.other)
        try:
            empty = base.size() if not options.other else 0
            begin = time.time()
            if options.other:
                fill_other(base, options.rows, accounts)
            else:
                for first in range(1, options.rows + 1, 500000):
                    base.run(insert_sql(options.store, first, min(first + 499999, options.rows),
                                        options.rows, accounts))
            size = base.size() - empty
            print(f'{options.rows} messages in {time.time() - begin:.0f} s; {size / options.rows:.0f} bytes each,'
                  f' of which {len(STANZA)} are the stanza (once)')
            if not options.other:
                measure(base, options, accounts)
        finally:
            base.close()


if __name__ == '__main__':
    sys.exit(main())
