# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""profanity in a terminal: tmux types the commands and shows the screen.

The account stands in profanity's files, so that it logs in by itself; TLS is
required and the server's certificate verified against the authority of the
tests.
"""

import contextlib
import os
import re
import shutil
import subprocess

from peer import befriend
from processes import STEP, Process, Timeout, environment, tail, until
from server import PASSWORD, openssl

RESOURCE = "prof"
SETTINGS = """\
[connection]
tls.certpath={authorities}
[ui]
splash=false
[notifications]
message=off
room=off
typing=false
invite=false
sub=false
[presence]
autoaway.mode=off
"""
ACCOUNT = """\
[{jid}]
enabled=true
jid={jid}
server=127.0.0.1
port={port}
resource={resource}
password={password}
tls.policy=force
presence.last=online
presence.login=online
"""


class Profanity:
    """Of one account; can be started again and then remembers what it knew."""

    def __init__(self, run, jid):
        self.jid, self.full = jid, "%s/%s" % (jid, RESOURCE)
        self.folder = os.path.join(run.folder, "profanity")
        os.makedirs(self.folder)
        self.env = environment(self.folder, TERM="xterm-256color",
                               DBUS_SESSION_BUS_ADDRESS="disabled:")
        self.log = os.path.join(self.folder, "profanity.log")
        self.socket = os.path.join(self.folder, "tmux")
        self.last_screen = []
        self._configure(run.server)
        run.logs.append(("profanity's screen", lambda: self.last_screen))
        run.logs.append(("profanity's stanzas", self.traffic))
        terminal = os.path.join(self.folder, "terminal.log")
        self.tmux = Process("tmux", ["tmux", "-D", "-S", self.socket, "-f", "/dev/null"], terminal,
                            self.env, cwd=self.folder)
        run.stack.callback(self.tmux.end)
        until("tmux", lambda: os.path.exists(self.socket), alive=[self.tmux])

    def _configure(self, server):
        authorities = os.path.join(self.folder, "authorities")
        os.mkdir(authorities)
        shutil.copy(server.ca, os.path.join(authorities, "ca.pem"))
        openssl("rehash", authorities)
        files = {"config/profanity/profrc": SETTINGS.format(authorities=authorities),
                 "data/profanity/accounts": ACCOUNT.format(
                     jid=self.jid, port=server.port, resource=RESOURCE, password=PASSWORD)}
        for name, text in files.items():
            path = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(text)

    def _tmux(self, *arguments):
        done = subprocess.run(["tmux", "-S", self.socket, *arguments], env=self.env, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        if done.returncode != 0:
            raise AssertionError("tmux %s: %s" % (arguments[0], done.stderr.strip()))
        return done.stdout

    def start(self):
        self._tmux("new-session", "-d", "-s", "chat", "-x", "160", "-y", "45",
                   "profanity", "-l", "DEBUG", "-f", self.log, "-a", self.jid)
        self.sees("%s logged in successfully" % self.full)

    def screen(self):
        """What is on the screen now; "" when profanity has ended."""
        try:
            text = self._tmux("capture-pane", "-p", "-J", "-t", "chat")
        except AssertionError:
            return ""
        self.last_screen = [line for line in text.splitlines() if line.strip()]
        return text

    def sees(self, text, seconds=None):
        """Waits until a regular expression is on the screen; returns the match."""
        return until("\"%s\" on profanity's screen" % text, lambda: re.search(text, self.screen()),
                     seconds, alive=[self.tmux])

    def types(self, line):
        self._tmux("send-keys", "-t", "chat", "-l", line)
        self._tmux("send-keys", "-t", "chat", "Enter")

    def answers(self, line, text):
        """Types a question, again if its answer does not come, until a regular expression is seen."""
        for _ in range(5):
            self.types(line)
            with contextlib.suppress(Timeout):
                return self.sees(text, STEP / 10)
        self.types(line)
        return self.sees(text)

    def quit(self):
        self.types("/quit")
        until("profanity to end", lambda: not self._sessions(), alive=[self.tmux])

    def _sessions(self):
        try:
            return self._tmux("list-sessions")
        except AssertionError:
            return ""

    def traffic(self):
        return [line for line in tail(self.log, 400) if "SENT:" in line or "RECV:" in line][-60:]

    def came(self, text):
        """How often a message with this text has come, in all starts together."""
        return sum("RECV: <message" in line and text in line for line in tail(self.log, 100000, 100000))

    def complaints(self):
        """Errors that profanity logs, but those about its own doing."""
        return [line[:1000] for line in tail(self.log, 100000, 100000)
                if " ERR: " in line and " stderr: " not in line and "[OMEMO]" not in line]


def profanity(run):
    jid = run.account("benvolio")
    run.account("romeo")
    romeo = run.stack.enter_context(run.peer("romeo", "orchard"))
    with run.peer("benvolio", "setup") as setup:
        befriend(romeo, setup)
    client = Profanity(run, jid)
    with run.step("it logs in over TLS with a verified certificate"):
        romeo.say(jid, "Good morrow, cousin, said yesterday")
        romeo.say(jid, "Is the day so young?")
        client.start()
        romeo.gets_presence(client.full)
    with run.step("it shows the peer online"):
        client.answers("/who online", "%s is online" % romeo.bare)
    with run.step("it got the offline messages, in order and once"):
        client.types("/msg %s" % romeo.bare)
        client.sees(r"Is the day so young\?")
        screen = client.screen()
        assert re.search(r"said yesterday.*Is the day so young", screen, re.DOTALL), screen
        assert screen.count("said yesterday") == 1, screen
    with run.step("messages go both ways"):
        client.types("/msg %s But new struck nine" % romeo.bare)
        got = romeo.gets_chat("But new struck nine")
        if got["from"].full != client.full:
            raise AssertionError("it came from %s" % got["from"])
        romeo.say(client.full, "Ay me! sad hours seem long")
        client.sees("Ay me! sad hours seem long")
    with run.step("it shows what another device of its user says and gets"):
        with run.peer("benvolio", "phone") as phone:
            phone.say(romeo.bare, "Soft! I will go along")
            client.sees("Soft! I will go along")
            romeo.say(phone.full, "Tut, I have lost myself")
            phone.gets_chat("Tut, I have lost myself")
            client.sees("Tut, I have lost myself")
    with run.step("each sees the other's changes of presence"):
        client.types('/status set away "Reading the guest list"')
        seen = romeo.gets_presence(client.full, "away")
        assert seen["status"] == "Reading the guest list", seen
        romeo.send_presence(pshow="dnd", pstatus="In love")
        client.sees(r"%s \[dnd\]" % romeo.bare)
    with run.step("ping, disco, roster and block list are answered"):
        client.types("/win 1")
        client.types("/ping")
        client.sees(r"Ping response from server")
        client.types("/disco info %s" % run.server.domain)
        client.sees(r"http://jabber\.org/protocol/disco#info")
        client.types("/roster add tybalt@%s Tybalt" % run.server.domain)
        client.sees(r"Roster item added: tybalt@")
        client.types("/blocked add tybalt@%s" % run.server.domain)
        client.sees(r"(?i)blocked tybalt@|tybalt@.*blocked|added to.*block")
    with run.step("it leaves, gets what was said meanwhile at its next start"):
        client.quit()
        romeo.gets_presence(client.full, "unavailable")
        romeo.say(jid, "Out of her favour, where I am in love")
        client.start()
        romeo.gets_presence(client.full)
        client.types("/msg %s" % romeo.bare)
        client.sees("Out of her favour, where I am in love")
        client.quit()
        romeo.gets_presence(client.full, "unavailable")
        for text in ("said yesterday", "the day so young", "Out of her favour"):
            assert client.came(text) == 1, "\"%s\" came %d times" % (text, client.came(text))
    with run.step("it logged no error"):
        complaints = client.complaints()
        if complaints:
            raise AssertionError("\n    ".join(complaints))


SCENARIOS = [("profanity", profanity)]
