# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""The control socket, as doc/control-protocol.md describes it."""

import json
import shlex
import socket

from .client import Failure
from .script import ScriptError


class Refused(Failure):
    """The server answered ok: false."""

    def __init__(self, code, error):
        super().__init__(f'the server refuses a command: {code}: {error}')
        self.code = code
        self.error = error


class Control:
    def __init__(self, path, timeout):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.lines = self.socket.makefile('rb')
        self.last_id = 0
        self.commands = None

    def close(self):
        self.lines.close()
        self.socket.close()

    def ask(self, command, **args):
        """The rows of the answer; raises Refused."""
        self.last_id += 1
        request = {'id': self.last_id, 'command': command, 'args': args}
        rows = []
        try:
            self.socket.sendall(json.dumps(request).encode() + b'\n')
            while True:
                line = self.lines.readline()
                if not line:
                    raise Failure(f'the control socket was closed during "{command}"')
                answer = json.loads(line)
                if 'ok' in answer:
                    if answer['ok']:
                        return rows
                    raise Refused(answer.get('code'), answer.get('error'))
                if 'row' in answer:
                    rows.append(answer['row'])
        except TimeoutError:
            raise Failure(f'the control socket does not answer "{command}" in time') from None
        except OSError as error:
            raise Failure(f'the control socket failed during "{command}": {error}') from None

    def run(self, text):
        """A command as people type it: its words, then its arguments in order, or NAME=VALUE."""
        words = shlex.split(text)
        if self.commands is None:
            self.commands = {row['command']: row.get('args', []) for row in self.ask('help')}
        for count in range(len(words), 0, -1):
            command = ' '.join(words[:count])
            if command in self.commands:
                return self.ask(command, **arguments(self.commands[command], words[count:]))
        raise ScriptError(f'the server has no command like "{text}"')


def arguments(declared, words):
    args, names = {}, {arg['name']: arg for arg in declared}
    positional = [arg for arg in declared if arg['type'] != 'lines']
    for word in words:
        name, equals, value = word.partition('=')
        if equals and name in names:
            args[name] = convert(names[name]['type'], value)
            continue
        while positional and positional[0]['name'] in args and not positional[0].get('many'):
            positional.pop(0)
        if not positional:
            raise ScriptError(f'one argument too many: {word}')
        arg = positional[0]
        if arg.get('many'):
            args.setdefault(arg['name'], []).append(convert(arg['type'], word))
        else:
            args[arg['name']] = convert(arg['type'], word)
            positional.pop(0)
    return args


def convert(kind, word):
    if kind == 'int' and word.lstrip('-').isdigit():
        return int(word)
    if kind == 'bool' and word in ('yes', 'no'):
        return word == 'yes'
    return word
