"""A PostgreSQL server of a test's own: in a folder, on a socket in it and nowhere else, under an unprivileged user (PostgreSQL
refuses root)."""
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

from .processes import process, wait_until


def _programs():
    """The folder of the newest installed version; Debian keeps them apart."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    assert found, "PostgreSQL is not installed; scripts/setup test installs it"
    return found[-1].parent


def _unprivileged():
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise AssertionError("no unprivileged user")


class postgres:
    """Started again, it has its data; its folder goes with stop()."""

    def __init__(self, log_folder):
        # Not below the test's folder: its parents belong to root alone, and a socket's name must be short.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-pg-"))
        self.log = pathlib.Path(log_folder) / "postgres.log"
        self.who = _unprivileged()
        self.process = None
        if self.who:
            os.chown(self.folder, self.who["user"], self.who["group"])
        done = subprocess.run([_programs() / "initdb", "-D", self.folder / "data", "-U", "postern", "-A", "trust", "-E", "UTF8",
                               "--locale=C", "--no-sync"], capture_output=True, text=True, check=False, cwd="/", **self.who)
        assert done.returncode == 0, done.stdout + done.stderr
        self.start()

    def start(self):
        self.process = process([_programs() / "postgres", "-D", self.folder / "data", "-k", self.folder, "-c",
                                "listen_addresses=", "-c", "max_connections=60", "-c", "shared_buffers=16MB"],
                               self.log, cwd="/", **self.who)
        wait_until(lambda: subprocess.run([_programs() / "pg_isready", "-q", "-h", self.folder], check=False).returncode == 0,
                   "PostgreSQL to answer", 30)
        return self

    @property
    def connection(self):
        """The connection string of the one database."""
        return f"host={self.folder} user=postern dbname=postgres"

    @property
    def socket_file(self):
        """Where it listens; what its clients make of `host`."""
        return self.folder / ".s.PGSQL.5432"

    def query(self, sql):
        done = subprocess.run([_programs() / "psql", "-X", "-A", "-t", "-d", self.connection, "-c", sql], capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def end(self):
        """At once, as when its machine loses power."""
        if self.process is not None:
            self.process.send(signal.SIGQUIT)
            self.process.wait()
            self.process = None

    def stop(self):
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)
