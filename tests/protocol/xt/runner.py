# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Runs scripts in the cells of the matrix and reports."""

import collections
import concurrent.futures
import glob
import os
import sys
import time
import traceback

from .client import Failure
from .script import Script, ScriptError
from .postgres import Cluster, is_there
from .server import Certificates, folder, tail
from .run import Run

Cell = collections.namedtuple('Cell', 'name workers together store')

CELLS = {
    'w1': Cell('w1', 1, True, 'sqlite'),
    'w4-apart': Cell('w4-apart', 4, False, 'sqlite'),
    'w4-together': Cell('w4-together', 4, True, 'sqlite'),
    'pg-w1': Cell('pg-w1', 1, True, 'postgresql'),
    'pg-w4-apart': Cell('pg-w4-apart', 4, False, 'postgresql'),
    'pg-w4-together': Cell('pg-w4-together', 4, True, 'postgresql'),
}
# Of PostgreSQL one cell is enough to see that everything works on it.
QUICK = ['w1', 'w4-apart', 'pg-w4-apart']


def collect(root, filters):
    """The scripts whose path from the root contains one of the filters."""
    paths = sorted(glob.glob(os.path.join(root, 'modules', '*', '*.xt'))
                   + glob.glob(os.path.join(root, 'tests', 'protocol', '**', '*.xt'), recursive=True))
    names = [os.path.relpath(path, root) for path in paths]
    return [name for name in names if not filters or any(f in name for f in filters)]


class Outcome:
    def __init__(self, name, cell):
        self.name = name
        self.cell = cell
        self.problems = []  # texts
        self.seconds = 0.0
        self.rows = 0

    def line(self):
        rows = f', {self.rows} rows' if self.rows else ''
        return f'{"FAIL" if self.problems else "ok  "} {self.name} [{self.cell.name}] {self.seconds:.2f} s{rows}'


def run_script(root, name, cell, options, make_server, certificates):
    outcome = Outcome(name, cell)
    started = time.monotonic()
    server = run = None
    try:
        script = Script(os.path.join(root, name))
        server = make_server(options, cell, certificates)
        prepare(server, script, cell)
        if far_domains(script):
            server.far = make_server(options, cell, certificates)
            prepare_far(server, script)
            server.far.start()
        server.start()
        run = Run(script, server, options.timeout)
        run.execute()
    except (Failure, ScriptError) as error:
        outcome.problems.append(describe(name, run, error))
    except Exception:  # a mistake of the runner must not end the others
        outcome.problems.append(f'{name}: the runner failed\n{traceback.format_exc()}')
    if run:
        outcome.rows = run.rows
    if server:
        end(server, run, outcome)
    outcome.seconds = time.monotonic() - started
    return outcome


def prepare(server, script, cell):
    """Hosts, settings and who lives on which worker."""
    specs = script.client_specs()
    server.settings = script.config()
    server.hosts = list(dict.fromkeys(
        [spec.domain for spec in script.all_client_specs() if not (spec.peer or spec.far)] + [key for key in server.settings if key])) or ['a.example']
    server.listen_as({spec.domain for spec in script.all_client_specs() if spec.peer})
    wanted = script.placements()
    for bare in dict.fromkeys(spec.bare for spec in specs if spec.account and not spec.far):
        names = [spec.name for spec in specs if spec.bare == bare]
        worker = next((wanted[name] for name in names if name in wanted), None)
        if worker is None:
            worker = cell.workers - 1 if cell.together else len(server.places) % cell.workers
        server.places[bare] = worker % cell.workers


def far_domains(script):
    return list(dict.fromkeys(spec.domain for spec in script.all_client_specs() if spec.far))


def prepare_far(server, script):
    """A second server, which has the domains of far clients; each knows where the other is."""
    far = server.far
    far.hosts = far_domains(script)
    far.settings = {None: script.far_config(), '': ''}
    server.known.update({domain: far.address for domain in far.hosts})
    far.known.update({domain: server.address for domain in server.hosts})


def describe(name, run, error):
    where = f'{name}:{run.current.line}: {run.current.text}' if run and run.current else name
    transcripts = '' if not run or '\n  what ' in str(error) else run.transcripts(error)
    return f'{where}\n{error}\n{transcripts}'.rstrip()


def end(server, run, outcome):
    """How the server ended and what it logged count, too."""
    if run:
        run.close()
    servers = [server, server.far] if server.far else [server]
    for each in servers:
        for check in (each.stop, lambda: each.check_log(run.announced if run else [])):
            try:
                check()
            except Failure as error:
                outcome.problems.append(str(error))
    for each in servers:
        if outcome.problems:
            outcome.problems.append('  the end of the log:\n' + tail(each.log(), 40))
        each.remove()


def sqlite_only(path):
    """It has a line "only sqlite", and a reason."""
    with open(path, encoding='utf-8') as file:
        return any(line.startswith('only sqlite') for line in file)


def choose_cells(options):
    cells = [CELLS[c] for c in (QUICK if options.matrix == 'quick' else CELLS)]
    database = options.database or ('sqlite' if not is_there() else 'both')
    if database != 'both':
        cells = [cell for cell in cells if cell.store == database]
    if options.workers is not None:
        of_workers = [cell for cell in cells if cell.workers == options.workers]
        cells = of_workers or [Cell(f'{prefix}w{options.workers}-apart', options.workers, False, store)
                               for store, prefix in (('sqlite', ''), ('postgresql', 'pg-'))
                               if any(cell.store == store for cell in cells)]
    return cells


def run_all(root, options, make_server, out=sys.stdout):
    """(passed, failed)"""
    names = collect(root, options.filters)
    cells = choose_cells(options)
    certificates = Certificates()
    passed = failed = 0
    try:
        if any(cell.store == 'postgresql' for cell in cells):
            options.cluster = Cluster(folder())
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            tasks = [pool.submit(run_script, root, name, cell, options, make_server, certificates)
                     for name in names for cell in cells
                     if cell.store == 'sqlite' or not sqlite_only(os.path.join(root, name))]
            for task in tasks:
                outcome = task.result()
                print(outcome.line(), file=out)
                if outcome.problems:
                    failed += 1
                    print('\n'.join(outcome.problems), file=out)
                    print(f'  hook order: --seed {options.seed}\n', file=out)
                else:
                    passed += 1
                out.flush()
    finally:
        certificates.remove()
        if getattr(options, 'cluster', None):
            options.cluster.remove()
    return passed, failed
