# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Gajim on a virtual screen, driven by a plug-in of ours (gajim_plugin/).

Gajim refuses root: then it runs as nobody.  It finds its account in its own
database of settings and trusts the server's certificate as if its user had
looked at it and accepted it.
"""

import json
import os
import pwd
import re
import shutil
import sqlite3
import time

from peer import befriend
from processes import Process, environment, tail, until
from server import PASSWORD

ACCOUNT = "Verona"
SIZE = (900, 480)
# Windows that Gajim opens on its own when something is wrong.
ALLOWED_WINDOWS = {"MainWindow"}
BUS = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


def ordinary_user():
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def give(path, user):
    """A folder and all that is in it."""
    if os.geteuid() != 0:
        return
    for folder, _, files in os.walk(path):
        for name in [folder, *(os.path.join(folder, file) for file in files)]:
            os.chown(name, user.pw_uid, user.pw_gid)


class Gajim:
    """Of one account; can be started again and then remembers what it knew."""

    def __init__(self, run, jid):
        self.run, self.jid = run, jid
        self.user = ordinary_user()
        self.folder = os.path.join(run.folder, "gajim")
        self.profile = os.path.join(self.folder, "profile")
        self.output = os.path.join(self.folder, "gajim.log")
        self.number = 0
        self.process = None
        os.makedirs(self.profile)
        bus = os.path.join(self.folder, "bus")
        self.env = environment(
            self.folder, DBUS_SESSION_BUS_ADDRESS="unix:path=" + bus, HERMOD_GAJIM=self.folder,
            GSETTINGS_BACKEND="memory", GIO_USE_VFS="local", GIO_USE_NETWORK_MONITOR="base",
            NO_AT_BRIDGE="1", GTK_A11Y="none", LIBGL_ALWAYS_SOFTWARE="1",
            PYTHONDONTWRITEBYTECODE="1", XDG_CURRENT_DESKTOP="none")
        self._configure(run.server)
        with open(os.path.join(self.folder, "bus.conf"), "w") as file:
            file.write(BUS.format(socket=bus))
        give(self.folder, self.user)
        run.logs.append(("Gajim's windows", self._describe))
        run.logs.append(("Gajim's stanzas, warnings and errors", self._traffic))
        run.logs.append(("the end of Gajim's output", lambda: tail(self.output, 20)))
        self._start_screen()
        daemon = self._process("dbus-daemon", ["dbus-daemon", "--nofork", "--nopidfile",
                                               "--config-file", os.path.join(self.folder, "bus.conf")])
        until("the message bus", lambda: os.path.exists(bus), alive=[daemon])

    def _process(self, name, arguments, **options):
        output = os.path.join(self.folder, name + ".log")
        process = Process(name, arguments, output, self.env, self.user, cwd=self.folder, **options)
        self.run.stack.callback(process.end)
        return process

    def _start_screen(self):
        """A screen of its own; X chooses a number that is free and says it in a line."""
        screen = self._process("Xvfb", ["Xvfb", "-displayfd", "1", "-screen", "0",
                                        "%dx%dx24" % SIZE, "-nolisten", "tcp", "-nolisten", "unix",
                                        "-noreset"])  # an abstract socket leaves no file behind

        def number():
            return [line for line in tail(screen.output) if line.isdigit()]
        self.env["DISPLAY"] = ":" + until("a screen", number, alive=[screen])[0]

    def _configure(self, server):
        user, domain = self.jid.split("@")
        settings = {
            "app": {"use_keyring": False, "show_notifications": False, "sounds_on": False,
                    "check_for_update": False, "show_trayicon": False, "action_on_close": "quit",
                    "autoaway": False, "autoxa": False, "dark_theme": 0, "mainwin_width": SIZE[0],
                    "mainwin_height": SIZE[1], "workspace_order": ["1"]},
            "soundevents": {}, "status_presets": {}, "proxies": {},
            "plugins": {"client_tests": {"active": True}},
            "workspaces": {"1": {"name": ACCOUNT, "color": "", "avatar_sha": "", "chats": []}}}
        account = {"name": user, "hostname": domain, "password": PASSWORD, "savepass": True,
                   "active": True, "autoconnect": True, "resource": "gajim",
                   "account_label": ACCOUNT, "use_custom_host": True, "custom_host": "127.0.0.1",
                   "custom_port": server.port, "custom_type": "START TLS"}
        base = sqlite3.connect(os.path.join(self.profile, "settings.sqlite"))
        base.executescript("CREATE TABLE settings (name TEXT UNIQUE, settings TEXT);"
                           "CREATE TABLE account_settings (account TEXT UNIQUE, settings TEXT);"
                           "PRAGMA user_version=5;")
        base.executemany("INSERT INTO settings VALUES (?, ?)",
                         [(name, json.dumps(value)) for name, value in settings.items()])
        base.execute("INSERT INTO account_settings VALUES (?, ?)",
                     (ACCOUNT, json.dumps({"account": account, "contact": {}, "group_chat": {}})))
        base.commit()
        base.close()
        trusted = os.path.join(self.profile, "cert_store")
        os.mkdir(trusted, 0o700)
        shutil.copy(server.cert, os.path.join(trusted, "server"))
        shutil.copytree(os.path.join(os.path.dirname(os.path.abspath(__file__)), "gajim_plugin"),
                        os.path.join(self.profile, "plugins", "client_tests"),
                        ignore=shutil.ignore_patterns("__pycache__"))

    # --- For tests -------------------------------------------------------------

    def start(self):
        for name in ("state.json", "request.json"):
            if os.path.exists(os.path.join(self.folder, name)):
                os.unlink(os.path.join(self.folder, name))
        self.number = 0
        self.process = self._process("gajim", ["gajim", "-v", "-c", self.profile])
        self.sees("Gajim to be online", lambda state: state["account"] == "AVAILABLE")

    def state(self):
        try:
            with open(os.path.join(self.folder, "state.json")) as file:
                return json.load(file)
        except OSError:
            return None

    def sees(self, what, condition):
        """Waits until condition(state) is true; fails as soon as Gajim shows an error."""
        def look():
            state = self.state()
            if state is None:
                return None
            if "broken" in state:
                raise AssertionError("the plug-in failed: %s" % state["broken"])
            for window in state["windows"]:
                if window["kind"] not in ALLOWED_WINDOWS:
                    raise AssertionError("Gajim shows a %s: %s" % (
                        window["kind"], "\n    ".join("\n".join(window["texts"]).splitlines())))
            return condition(state)
        return until(what, look, alive=[self.process])

    def does(self, what, **request):
        """Has the plug-in do something and waits until it is done."""
        self.number += 1
        path = os.path.join(self.folder, "request.json")
        with open(path + ".new", "w") as file:
            json.dump({"number": self.number, "do": what, **request}, file)
        os.rename(path + ".new", path)
        state = self.sees("Gajim to %s" % what,
                          lambda state: state["answered"] == self.number and state)
        if state["refused"]:
            raise AssertionError("Gajim could not %s: %s" % (what, state["refused"]))

    def shows(self, *texts, **also):
        """Waits until these are the last messages of the chat, all of them visible."""
        def fits(state):
            messages = (state["chat"] or {"messages": []})["messages"]
            last = messages[-len(texts):]
            return ([m["text"] for m in last] == list(texts) and all(m["shown"] for m in last)
                    and all(last[-1][key] == value for key, value in also.items()))
        self.sees("the chat to end with %s" % (texts,), fits)

    def sees_contact(self, jid, show, **also):
        self.sees("%s to be %s" % (jid, show), lambda state: all(
            state["contacts"].get(jid, {}).get(key) == value
            for key, value in {"show": show, **also}.items()))

    def quit(self):
        self.number += 1
        with open(os.path.join(self.folder, "request.json"), "w") as file:
            json.dump({"number": self.number, "do": "quit"}, file)
        status, self.process = self.process.wait(), None
        if status != 0:
            raise AssertionError("Gajim ended with status %d" % status)

    def came(self, text):
        """How often a text has come as a message, in all starts together; answers from the archive, which
        Gajim knows by their ids, do not count."""
        output = "\n".join(tail(self.output, 100000, 100000))
        output = re.sub(r"<message [^>]*><result xmlns='urn:xmpp:mam:2'.*?</result></message>", "", output)
        return output.count("<body>%s</body>" % text)

    def complaints(self):
        """Exceptions in Gajim and errors that it logs."""
        return [line for line in tail(self.output, 100000)
                if re.match(r"Traceback|.* \([EC]\) (?!gajim\.c\.dbus)", line)]

    def _traffic(self):
        """Stanzas, warnings and errors: lines that are not about Gajim's own doing."""
        return [line for line in tail(self.output, 100000)
                if re.match(r"<|Traceback|.*::::: DATA|.* \([WEC]\) ", line)][-120:]

    def _describe(self):
        state = self.state() or {}
        return ["%s: %s" % (name, json.dumps(value, ensure_ascii=False)) for name, value in state.items()]


def gajim(run):
    jid = run.account("juliet")
    run.account("romeo")
    romeo = run.stack.enter_context(run.peer("romeo", "orchard"))
    with run.peer("juliet", "setup") as setup:
        setup.call(lambda x: x.update_roster(romeo.bare, name="Romeo", groups=["Montague"]))
        befriend(romeo, setup)
    client = Gajim(run, jid)
    romeo.say(jid, "But, soft! what light through yonder window breaks?")
    time.sleep(0.005)  # Gajim orders messages by their time, which has milliseconds
    romeo.say(jid, "It is the east, and Juliet is the sun.")
    with run.step("it starts, logs in over TLS and shows no error"):
        client.start()
        romeo.gets_presence(jid)
    with run.step("it shows the contact list with the peer online"):
        client.sees_contact(romeo.bare, "online", name="Romeo", subscription="both")
    with run.step("it got the offline messages, in order and once"):
        client.does("open", jid=romeo.bare)
        client.shows("But, soft! what light through yonder window breaks?",
                     "It is the east, and Juliet is the sun.", kind="incoming")
        shown = [m["text"] for m in client.state()["chat"]["messages"]]
        assert len(shown) == 2, shown
    with run.step("messages go both ways"):
        client.does("say", text="O Romeo, Romeo! wherefore art thou Romeo?")
        got = romeo.gets_chat("O Romeo, Romeo! wherefore art thou Romeo?")
        romeo.gets("composing before the message", lambda s: s["chat_state"] == "composing")
        client.shows("O Romeo, Romeo! wherefore art thou Romeo?", kind="outgoing")
        romeo.say(str(got["from"]), "Shall I hear more, or shall I speak at this? \u2665")
        client.shows("Shall I hear more, or shall I speak at this? \u2665", kind="incoming")
    with run.step("the peer's receipt is shown"):
        client.does("say", text="What's in a name?")
        got = romeo.gets_chat("What's in a name?")
        client.shows("What's in a name?", kind="outgoing", received=True)
    with run.step("each sees the other's changes of presence"):
        romeo.send_presence(pshow="away")
        client.sees_contact(romeo.bare, "away")
        romeo.send_presence()
        client.sees_contact(romeo.bare, "online")
        client.does("show", show="dnd", status="Parting is such sweet sorrow")
        seen = romeo.gets_presence(jid, "dnd")
        assert seen["status"] == "Parting is such sweet sorrow", seen
        client.does("show", show="online")
        romeo.gets_presence(jid)
    if run.options.screenshot:
        take_picture(run, client)
    with run.step("it leaves, gets what was said meanwhile at its next start"):
        client.quit()
        romeo.gets_presence(jid, "unavailable")
        romeo.say(jid, "Good night, good night!")
        client.start()
        romeo.gets_presence(jid)
        client.does("open", jid=romeo.bare)
        client.shows("What's in a name?", "Good night, good night!", kind="incoming")
        client.quit()
        romeo.gets_presence(jid, "unavailable")
        for text in ("It is the east, and Juliet is the sun.", "Good night, good night!"):
            assert client.came(text) == 1, "\"%s\" came %d times" % (text, client.came(text))
    with run.step("it logged no error"):
        complaints = client.complaints()
        if complaints:
            raise AssertionError("\n    ".join(complaints[:20]))


def take_picture(run, client):
    path = os.path.join(client.folder, "picture.png")
    client.does("picture", path=path)
    shutil.copyfile(path, run.options.screenshot)


SCENARIOS = [("gajim", gajim)]
