# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Programs that the tests run, and waiting for what they do.

Every program ends with the runner, whatever happens to it: by its process id,
or at the latest by the signal that the kernel sends when the runner is gone.
All carry MARK in their environment, so that leftovers, grandchildren included,
can be found.
"""

import os
import signal
import subprocess
import time

STEP = float(os.environ.get("HERMOD_CLIENTS_TIMEOUT", "60"))
MARK = "HERMOD_CLIENTS_RUN"


class Timeout(AssertionError):
    pass


def until(what, condition, seconds=None, alive=()):
    """Waits until condition() is true and returns its value; fails when one of `alive` ends."""
    end = time.monotonic() + (seconds or STEP)
    while True:
        value = condition()
        if value:
            return value
        for process in alive:
            if process.status() is not None:
                raise AssertionError("%s ended with status %s while we waited for: %s"
                                     % (process.name, process.status(), what))
        if time.monotonic() > end:
            raise Timeout("in vain waited for: %s" % what)
        time.sleep(0.05)


def user_options(user):
    """Options of setpriv that make a program run as `user`, an entry of pwd."""
    if user is None or user.pw_uid == os.geteuid():
        return []
    return ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]


class Process:
    """A program with its output in a file."""

    def __init__(self, name, arguments, output, env, user=None, **options):
        self.name, self.output = name, output
        with open(output, "ab") as file:
            self.popen = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *user_options(user), "--", *arguments],
                stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env=env,
                start_new_session=True, **options)

    def status(self):
        return self.popen.poll()

    def wait(self, seconds=None):
        try:
            return self.popen.wait(seconds or STEP)
        except subprocess.TimeoutExpired:
            raise Timeout("%s does not end" % self.name) from None

    def end(self, seconds=10):
        """SIGTERM, and when that does not help SIGKILL; returns the status."""
        if self.status() is None:
            self.popen.terminate()
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        return self.status()


def environment(folder, **more):
    """A small environment: nothing of the caller's session gets to the programs."""
    names = {"HOME": "home", "XDG_CONFIG_HOME": "config", "XDG_DATA_HOME": "data",
             "XDG_CACHE_HOME": "cache", "XDG_STATE_HOME": "state", "XDG_RUNTIME_DIR": "run",
             "TMPDIR": "tmp"}
    for name in names.values():
        os.makedirs(os.path.join(folder, name), mode=0o700, exist_ok=True)
    env = {variable: os.path.join(folder, name) for variable, name in names.items()}
    env.update(PATH="/usr/local/bin:/usr/bin:/bin", LANG="C.UTF-8", LC_ALL="C.UTF-8",
               SHELL="/bin/sh", TZ="UTC")
    env[MARK] = os.environ[MARK]
    env.update(more)
    return env


def leftovers():
    """Process ids of programs that we, or what we ran, have started and that still run."""
    mark = ("%s=%s" % (MARK, os.environ[MARK])).encode()
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open("/proc/%s/environ" % name, "rb") as file:
                if mark in file.read().split(b"\0"):
                    found.append(int(name))
        except OSError:
            pass
    return found


def end_leftovers():
    """Ends them; returns what they were."""
    names = []
    for pid in leftovers():
        try:
            with open("/proc/%d/cmdline" % pid, "rb") as file:
                names.append("%d %s" % (pid, file.read().replace(b"\0", b" ").decode(errors="replace")))
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    return names


def tail(path, lines=60, width=2000):
    """The end of a text file, each line cut to a width."""
    try:
        with open(path, errors="replace") as file:
            return [line.rstrip("\n")[:width] for line in file.readlines()[-lines:]]
    except OSError:
        return []
