# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Starts Hermod from a build directory and speaks to its control socket."""

import os
import re
import shlex

from .control import Control, Refused
from .server import Server


class Hermod(Server):
    def __init__(self, options, cell, certificates):
        super().__init__(options, cell, certificates)
        self.control = None
        self.database = None
        self.run_directory = os.path.join(self.directory, 'run')
        self.control_path = os.path.join(self.run_directory, 'control.sock')

    def argv(self):
        build = os.path.abspath(self.options.build_dir)
        if self.options.server:
            command = shlex.split(self.options.server)
        else:
            command = [os.path.join(build, 'src', 'daemon', 'hermod')]
        return command + ['--config', self.config_path(), '--module-path', os.path.join(build, 'modules'),
                          '--test', '--test-seed', str(self.options.seed)] + self.places_argv()

    def places_argv(self):
        """For what is at home before the control socket is open: sessions of the process before."""
        return [word for bare, worker in self.places.items() if self.cell.workers > 1
                for word in ('--test-place', f'{bare}={worker}')]

    def config_path(self):
        return os.path.join(self.directory, 'hermod.conf')

    def write_config(self):
        """The script's statements stand first; of a block that it has the usual one is left out."""
        top = self.with_peers(self.with_storage(self.settings[None]))
        lines = [f'data_directory "{self.directory}/data"', f'run_directory "{self.run_directory}"',
                 f'workers {self.cell.workers}', top.rstrip()]
        for name, text in self.usual_blocks():
            if not re.search(rf'^\s*{name}\s*{{', top, re.MULTILINE):
                lines.append(f'{name} {{ {text} }}')
        kinds = [('c2s', self.port), ('c2s-tls', self.tls_port)]
        if self.listeners or self.known:
            kinds += [('s2s', self.peer_port), ('s2s-tls', self.peer_tls_port)]
        for kind, port in kinds:
            lines.append(f'listen {kind} {{\n\ttype {kind}\n\tport {port}\n\taddresses [ {self.address} ]\n}}')
        for host in self.hosts:
            certificate, key = self.certificates.files(host)
            lines.append(f'host {host} {{\n\tcertificate "{certificate}"\n\tkey "{key}"\n'
                         f'{self.settings[""]}{self.settings.get(host, "")}}}')
        with open(self.config_path(), 'w', encoding='utf-8') as file:
            file.write('\n'.join(lines) + '\n')

    def with_storage(self, top):
        """The database of the cell."""
        if self.cell.store != 'postgresql':
            return top
        if not self.database:
            self.database = self.options.cluster.create()
        statements = self.options.cluster.statements(self.database)
        found = re.search(r'^\s*storage\s*{', top, re.MULTILINE)
        if found:
            return f'{top[:found.end()]}\n\t{statements}\n{top[found.end():]}'
        return f'{top}\nstorage {{\n\t{statements}\n}}\n'

    def with_peers(self, top):
        """Where other servers are, and the placeholder for whose certificate is trusted."""
        top = re.sub(r'\{address:([^}]*)\}', lambda m: self.address_of(m[1]), top)
        top = re.sub(r'\{certificate:([^}]*)\}', lambda m: self.certificates.files(m[1])[0], top)
        domains = [*self.listeners, *self.known]
        if not domains:
            return top
        found = re.search(r'^\s*s2s\s*{', top, re.MULTILINE)
        own = top[found.end():] if found else ''
        known = ''.join(f'\tdomain {domain} {{ address {self.address_of(domain)} }}\n'
                        for domain in domains if not re.search(rf'domain {re.escape(domain)} ', own))
        if found:
            return f'{top[:found.end()]}\n{known}{top[found.end():]}'
        return f'{top}\ns2s {{\n{known}}}\n'

    def remove(self):
        super().remove()
        if self.database:
            self.options.cluster.give_back(self.database)

    def usual_blocks(self):
        """All clients come from one address, and some scripts fail to log in many times."""
        return [('limits', 'auth_failures 1000000'), ('log', f'level {self.options.log_level}')]

    def is_ready(self):
        """The control socket answers last: the listeners are open then."""
        try:
            self.control = Control(self.control_path, self.options.timeout)
        except OSError:
            return False
        return True

    def start(self):
        super().start()
        for bare, worker in self.places.items():
            self.place(bare, worker)

    def place(self, bare, worker):
        if self.cell.workers > 1:
            self.control.ask('test place', jid=bare, worker=worker)

    def add_account(self, bare, password):
        if bare not in self.places:
            self.places[bare] = self.cell.workers - 1 if self.cell.together \
                else len(self.places) % self.cell.workers
            self.place(bare, self.places[bare])
        self.control.ask('account add', jid=bare, password=password)

    def drain(self):
        self.control.ask('test drain')

    def advance(self, ms):
        self.control.ask('test advance', ms=ms)

    def failpoint(self, name, action, after):
        self.control.ask('test failpoint', name=name, action=action, after=after)

    def inject(self, xml):
        self.control.ask('test inject', stanza=xml)

    def reload(self):
        self.write_config()
        self.control.ask('reload')  # raises Refused when the file has a mistake

    def admin(self, text):
        """(error or None, rows)"""
        try:
            return None, self.control.run(text)
        except Refused as refused:
            return f'{refused.code}: {refused.error}', []

    def disconnect(self):
        if self.control:
            self.control.close()
            self.control = None

    def stop(self, meanwhile=lambda: None):
        self.disconnect()
        super().stop(meanwhile)

    def dies(self):
        self.disconnect()
        super().dies()

    def kill(self):
        self.disconnect()
        super().kill()
