# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""A control socket without a server: enough of doc/control-protocol.md, and
enough bad manners, to test hermodctl against.

`requests` holds every object that came, in order.
"""

import json
import os
import socket
import threading
import time

COMMANDS = [
    {"command": "account add", "help": "Create an account.",
     "args": [{"name": "jid", "type": "account", "help": "Address of the new account."},
              {"name": "password", "type": "secret", "help": "Password of the account."}]},
    {"command": "account import", "help": "Create many accounts.",
     "args": [{"name": "file", "type": "lines", "help": "CSV or JSON lines."},
              {"name": "format", "type": "choice", "choices": ["csv", "json"], "optional": True}]},
    {"command": "account list", "help": "List accounts.",
     "args": [{"name": "host", "type": "host", "optional": True}]},
    {"command": "account remove", "help": "Remove accounts.",
     "args": [{"name": "jid", "type": "account", "many": True}]},
    {"command": "hang", "help": "Never answers."},
    {"command": "hangup", "help": "Closes the connection."},
    {"command": "hostile", "help": "Rows that would play with a terminal."},
    {"command": "import slow", "help": "Refuses in the middle of the input.",
     "args": [{"name": "file", "type": "lines"}]},
    {"command": "log level", "help": "Change the level of the log.",
     "args": [{"name": "level", "type": "choice", "choices": ["debug", "info"]},
              {"name": "subject", "type": "text", "optional": True},
              {"name": "for", "type": "duration", "optional": True},
              {"name": "lines", "type": "int", "optional": True},
              {"name": "keep", "type": "bool", "optional": True}]},
    {"command": "long", "help": "More rows than a table holds back."},
    {"command": "metrics", "help": "Counters in OpenMetrics text."},
    {"command": "nonsense", "help": "Answers what is not JSON."},
    {"command": "open", "help": "A line without end."},
    {"command": "refuse", "help": "Says no.", "args": [{"name": "code", "type": "text"}]},
    {"command": "secretly", "help": "Not listed.", "hidden": True},
    {"command": "show", "help": "A shorter name than show workers."},
    {"command": "show workers", "help": "What each worker does."},
    {"command": "status", "help": "How the server is.", "record": True},
    {"command": "trace", "help": "Live stanzas.", "streams": True,
     "args": [{"name": "jid", "type": "jid"}]},
]

ACCOUNTS = [
    {"jid": "romeo@example.org", "sessions": 12, "online": True, "groups": ["a", "b"], "seen": None},
    {"jid": "zażółć@example.org", "sessions": 3, "online": False, "groups": [], "seen": "now"},
    {"jid": "日本@example.org", "sessions": 0, "online": False, "groups": ["c"], "seen": "x"},
]


class Connection:
    """One client; handlers are methods named after the command."""

    def __init__(self, server, sock):
        self.server = server
        self.sock = sock
        self.reader = sock.makefile("rb")

    def put(self, obj):
        self.sock.sendall(json.dumps(obj, ensure_ascii=False).encode() + b"\n")

    def next(self):
        line = self.reader.readline()
        if not line:
            return None
        assert len(line) <= 64 * 1024 and line.endswith(b"\n")
        obj = json.loads(line)
        self.server.requests.append(obj)
        return obj

    def run(self):
        try:
            request = self.next()
            while request:
                handler = getattr(self, request["command"].replace(" ", "_"), self.unknown)
                handler(request["id"], request.get("args", {}))
                request = self.next()
        except (OSError, ConnectionError):
            pass
        finally:
            self.sock.close()

    def unknown(self, ident, args):
        self.put({"id": ident, "ok": False, "code": "usage", "error": "Unknown command."})

    def rows(self, ident, rows, message=None):
        for row in rows:
            self.put({"id": ident, "row": row})
        final = {"id": ident, "ok": True}
        if message:
            final["message"] = message
        self.put(final)

    def help(self, ident, args):
        self.rows(ident, COMMANDS)

    def complete(self, ident, args):
        self.rows(ident, [{"value": a["jid"]} for a in ACCOUNTS
                          if a["jid"].startswith(args["prefix"])])

    def account_add(self, ident, args):
        self.rows(ident, [], "Account %s is there." % args["jid"])

    def account_list(self, ident, args):
        self.rows(ident, ACCOUNTS)

    def account_remove(self, ident, args):
        self.rows(ident, [])

    def account_import(self, ident, args):
        count = size = 0
        while True:
            line = self.next()
            if line is None:
                return
            if line.get("end"):
                break
            count += 1
            size += len(line["line"])
            if "bad" in line["line"]:
                self.put({"id": ident, "row": {"line": count, "error": "is bad"}})
            # What the tests look at stays small.
            if count > 100:
                self.server.requests.pop()
        self.rows(ident, [], "%d lines, %d characters." % (count, size))

    def import_slow(self, ident, args):
        self.next()
        self.put({"id": ident, "ok": False, "code": "limit", "error": "Too many lines."})
        while self.next():
            self.server.requests.pop()

    def hang(self, ident, args):
        while self.next():
            pass

    def hangup(self, ident, args):
        self.sock.shutdown(socket.SHUT_RDWR)

    def hostile(self, ident, args):
        self.rows(ident, [{"name": "a\x1b[2Jb\nc\u009bd\u202ee", "x\x1b": "\x07"}])

    def log_level(self, ident, args):
        self.rows(ident, [])

    def long(self, ident, args):
        self.rows(ident, ({"n": i, "text": "x" * (i % 7)} for i in range(2500)))

    def metrics(self, ident, args):
        self.put({"id": ident, "row": {"text": "# TYPE a counter\na_total 1\n"}, "raw": True})
        self.put({"id": ident, "row": {"text": "# EOF\n"}, "raw": True})
        self.put({"id": ident, "ok": True})

    def nonsense(self, ident, args):
        self.sock.sendall(b"hello\n")

    def open(self, ident, args):
        self.sock.sendall(b"x" * (3 * 1024 * 1024))

    def refuse(self, ident, args):
        self.put({"id": ident, "ok": False, "code": args["code"], "error": "No, it is not."})

    def secretly(self, ident, args):
        self.rows(ident, [{"value": 1}])

    def show(self, ident, args):
        self.rows(ident, [{"value": "show"}])

    def show_workers(self, ident, args):
        self.rows(ident, [{"worker": 0, "queue": 10}, {"worker": 1, "queue": 2}])

    def status(self, ident, args):
        self.rows(ident, [{"version": "0.1", "uptime_s": 77}, {"version": "0.2", "uptime_s": 1}])

    def trace(self, ident, args):
        self.put({"id": ident, "event": {"time": "T1", "direction": "in", "text": "<presence/>"}})
        self.put({"id": ident, "event": {"time": "T2", "direction": "out", "text": "a\nb"}})
        cancel = self.next()
        if cancel and cancel.get("cancel"):
            self.put({"id": ident, "ok": True})


class Server:
    def __init__(self, folder):
        self.path = os.path.join(folder, "control.sock")
        self.requests = []
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.path)
        self.listener.listen(16)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=Connection(self, sock).run, daemon=True).start()

    def wait_for(self, key, seconds=5):
        """The first request with this field, when it has come."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for request in list(self.requests):
                if key in request:
                    return request
            time.sleep(0.01)
        return None

    def close(self):
        self.listener.close()
