# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Reads .xt scripts.  An unindented line is a step, the indented lines after it are
its body; in the body of "for each" the lines are steps again."""

import os
import re


class ScriptError(Exception):
    """A script that says something the runner does not understand."""


class Step:
    def __init__(self, line, text, body_lines):
        self.line = line    # where it stands in its file
        self.text = text
        self.body_lines = body_lines  # dedented

    @property
    def body(self):
        return '\n'.join(self.body_lines).strip('\n')

    def steps(self):
        """The body as steps."""
        return read_steps(self.body_lines, self.line + 1)

    def __repr__(self):
        return f'Step({self.line}, {self.text!r})'


class ClientSpec:
    """One line of "clients": NAME JID [OPTION...]."""

    # How far the runner takes the connection by itself.
    LEVELS = ('absent', 'raw', 'raw-tls', 'secured', 'authenticated', 'bound', 'online')

    def __init__(self, name, jid, options):
        self.name = name
        self.jid = jid
        self.level = 'bound'
        self.direct = False
        self.account = True
        self.far = False   # a client of the far server
        self.peer = False  # another server's end of a connection
        self.settings = {}
        for option in options:
            if option in self.LEVELS:
                self.level = option
            elif option == 'direct':
                self.direct = True
            elif option == 'peer':
                self.peer = True
            elif option == 'far':
                self.far = True
            elif option == 'unregistered':
                self.account = False
            elif '=' in option:
                key, value = option.split('=', 1)
                if key not in ('mechanism', 'password', 'from', 'lang', 'binding', 'pings', 'buffer', 'certificate'):
                    raise ScriptError(f'client option {key}= is not known')
                self.settings[key] = value
            else:
                raise ScriptError(f'client option {option} is not known')
        bare, _, self.resource = jid.partition('/')
        self.user, at, self.domain = bare.rpartition('@')
        if not at:
            self.account = False
            if self.level not in ('absent', 'raw', 'raw-tls', 'secured'):
                raise ScriptError(f'{name}: a client without account cannot go as far as {self.level}')
        self.bare = bare


def read_clients(step):
    specs = []
    for line in step.body.splitlines():
        words = re.sub(r'\s#.*', '', line).split()
        if not words or words[0].startswith('#'):
            continue
        if len(words) < 2 or not re.fullmatch(r'[A-Za-z][\w{}-]*', words[0]):
            raise ScriptError(f'expected "name jid [option...]", found {line!r}')
        specs.append(ClientSpec(words[0], words[1], words[2:]))
    return specs


def read_config(steps):
    """What the file gets beyond the usual: {None: top level, '': every host, DOMAIN: that host}."""
    out = {None: '', '': ''}
    for step in steps:
        found = re.fullmatch(r'(server )?config(?: (\S+))?', step.text)
        if found:
            key = None if found[1] else found[2] or ''
            out[key] = out.get(key, '') + step.body + '\n'
    return out


def strip_comment(line):
    """Without a comment at the end; quotes protect."""
    out, quote = [], None
    for index, char in enumerate(line):
        if quote:
            if char == quote:
                quote = None
        elif char == '"':
            quote = char
        elif char == '#' and (index == 0 or line[index - 1].isspace()):
            break
        out.append(char)
    return ''.join(out).rstrip()


def read_steps(lines, first_line=1):
    steps, index = [], 0
    while index < len(lines):
        line = lines[index]
        if not line.strip() or line.startswith('#'):
            index += 1
            continue
        if line[0].isspace():
            raise ScriptError(f'line {first_line + index}: indented, but no step stands before it')
        number = first_line + index
        body, index = read_body(lines, index + 1)
        text = strip_comment(line)
        if text:
            steps.append(Step(number, text, body))
    return steps


def read_body(lines, index):
    body = []
    while index < len(lines) and (not lines[index].strip() or lines[index][0].isspace()):
        body.append(lines[index])
        index += 1
    while body and not body[-1].strip():
        body.pop()
    indents = [re.match(r'[ \t]*', line)[0] for line in body if line.strip()]
    common = os.path.commonprefix(indents) if indents else ''
    return [line[len(common):] if line.strip() else '' for line in body], index


def read_table(step):
    """Rows as dictionaries.  Cells are cut at |, a bar itself is written \\|.  The first
    line names the columns."""
    rows = []
    for line in step.body.splitlines():
        if line.strip() and not line.startswith('#'):
            cells = [c.strip().replace('\\|', '|') for c in re.split(r'(?<!\\)\|', line)]
            rows.append(cells)
    if not rows:
        raise ScriptError('a table needs a line that names its columns')
    columns = [c.replace(' ', '_') for c in rows[0]]
    out = []
    for cells in rows[1:]:
        if len(cells) != len(columns):
            raise ScriptError(f'{len(cells)} cells where there are {len(columns)} columns: {" | ".join(cells)}')
        out.append(dict(zip(columns, cells)))
    return out


def fill_row(text, row):
    """Cells in the place of {column}."""
    if not row:
        return text
    return re.sub(r'\{(' + '|'.join(map(re.escape, row)) + r')\}', lambda m: row[m[1]], text)


def expand_row(step, row):
    """The steps of a loop's body with the cells of one row in them."""
    return read_steps([fill_row(line, row) for line in step.body_lines], step.line + 1)


def unescape(text):
    """Text with Python-like escapes (\\x00 \\n \\t \\\\ \\u00e9) to bytes.

    A{*1000} is A a thousand times, (<a>){*1000} repeats the group."""
    out, index = bytearray(), 0
    while index < len(text):
        if text[index] == '(' and (group := GROUP.match(text, index)):
            out += unescape(group[1]) * int(group[2])
            index = group.end()
            continue
        if text[index] == '\\':
            piece, index = unescape_one(text, index + 1)
        else:
            piece, index = text[index].encode(), index + 1
        if times := TIMES.match(text, index):
            piece *= int(times[1])
            index = times.end()
        out += piece
    return bytes(out)


TIMES = re.compile(r'\{\*(\d+)\}')
GROUP = re.compile(r'\(([^()]*)\)\{\*(\d+)\}')
SIMPLE_ESCAPES = {'n': b'\n', 'r': b'\r', 't': b'\t', '\\': b'\\', '0': b'\0', 's': b' '}


def unescape_one(text, index):
    """What a backslash before index means, and where it ends."""
    kind = text[index:index + 1]
    if kind in SIMPLE_ESCAPES:
        return SIMPLE_ESCAPES[kind], index + 1
    digits = {'x': 2, 'u': 4}.get(kind, 0)
    number = text[index + 1:index + 1 + digits]
    if not digits or not re.fullmatch(rf'[0-9a-fA-F]{{{digits}}}', number):
        raise ScriptError(f'escape \\{kind} is not known')
    if kind == 'x':
        return bytes([int(number, 16)]), index + 3
    return chr(int(number, 16)).encode('utf-8', 'surrogatepass'), index + 5


class Script:
    def __init__(self, path, text=None):
        self.path = path
        if text is None:
            with open(path, encoding='utf-8') as file:
                text = file.read()
        self.steps = read_steps(text.splitlines())
        self.title = next((line.lstrip('# ').rstrip() for line in text.splitlines()
                           if line.startswith('#') and 'SPDX' not in line and 'Copyright' not in line), '')

    def bodies_of(self, name):
        return [step for step in self.steps if step.text == name]

    def client_specs(self):
        """Those of the top level, in order: placement counts them."""
        return [spec for step in self.bodies_of('clients') for spec in read_clients(step)]

    def all_client_specs(self):
        """Those inside loops too, where names may still hold {column}."""
        def walk(steps):
            for step in steps:
                if step.text == 'clients':
                    yield from read_clients(step)
                elif step.text.startswith(('for each ', 'repeat ')):
                    yield from walk(step.steps())
        return list(walk(self.steps))

    def config(self):
        return read_config(self.steps)

    def far_config(self):
        """Statements for the top level of the far server."""
        return ''.join(step.body + '\n' for step in self.bodies_of('far config'))

    def placements(self):
        """Client name to worker, from "place romeo 0, juliet 3"."""
        out = {}
        for step in self.steps:
            if step.text.startswith('place '):
                for pair in step.text[len('place '):].split(','):
                    words = pair.split()
                    if len(words) != 2 or not words[1].isdigit():
                        raise ScriptError(f'line {step.line}: expected "place NAME WORKER, ..."')
                    out[words[0]] = int(words[1])
        return out
