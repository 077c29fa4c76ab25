# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""A PostgreSQL cluster for a run, with a database for each server."""

import itertools
import os
import shutil
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
POSTGRES = os.path.join(os.path.dirname(os.path.dirname(HERE)), 'postgres')


def is_there():
    return subprocess.run([POSTGRES, 'there'], check=False).returncode == 0


class Cluster:
    def __init__(self, folder=None):
        self.directory = tempfile.mkdtemp(prefix='xt-postgres-', dir=folder)
        os.chmod(self.directory, 0o755)
        self.numbers = itertools.count(1)
        self.free = []
        # A server warns when the disk is not waited for; here the disk is memory.
        self.run('start', 'fsync=on', 'max_connections=400', 'shared_buffers=64MB', 'autovacuum=on')

    def run(self, command, *more):
        subprocess.run([POSTGRES, command, self.directory, *more], check=True,
                       env=dict(os.environ, HERMOD_CALLER=str(os.getpid())))

    def sql(self, text, database='postgres'):
        done = subprocess.run(['psql', '-X', '-q', '-A', '-t', '-h', self.directory, '-U', 'hermod', '-d', database,
                               '-v', 'ON_ERROR_STOP=1', '-c', text], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f'psql: {done.stderr.strip()}')
        return done.stdout

    def create(self):
        """The name of an empty database: a used one is cheaper than a new one."""
        if self.free:
            return self.free.pop()
        name = f'xt{next(self.numbers)}'
        self.sql(f'CREATE DATABASE {name} TEMPLATE template0')
        return name

    def give_back(self, name):
        """Its server has ended, though its connections may not know yet."""
        self.sql('SELECT pg_terminate_backend(pid) FROM pg_stat_activity '
                 'WHERE datname = current_database() AND pid <> pg_backend_pid(); '
                 'SET client_min_messages = error; DROP SCHEMA public CASCADE; CREATE SCHEMA public', name)
        self.free.append(name)

    def statements(self, name):
        """What a block storage says for a server that uses it."""
        return f'driver postgresql\n\thosts "{self.directory}"\n\tname {name}\n\tuser hermod'

    def remove(self):
        subprocess.run([POSTGRES, 'stop', self.directory], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.directory, ignore_errors=True)
