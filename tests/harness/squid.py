"""A real HTTP proxy on the loopback interface, with or without users."""
import pathlib
import shutil
import socket
import subprocess
import tempfile

from . import network
from .processes import process, wait_until

PROGRAM = shutil.which("squid") or "/usr/sbin/squid"
AUTHENTICATOR = "/usr/lib/squid/basic_ncsa_auth"


def hashed(password):
    return subprocess.run(["openssl", "passwd", "-apr1", "-stdin"], input=password, capture_output=True, text=True,
                          check=True).stdout.strip()


class squid:
    """Forwards CONNECT to any port of this machine, for names under localhost. `users`: name to password; then nobody else
    may. `log()` tells what was asked of it."""

    def __init__(self, names, users=None, port=0):
        # Squid gives up root for a user of its own, who must get at its folder.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="squid-"))
        self.folder.chmod(0o777)
        self.port = port or network.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        hosts = self.folder / "hosts"
        hosts.write_text("".join(f"127.0.0.1 {name}\n" for name in names), encoding="utf-8")
        rules = "http_access allow all\n"
        if users:
            passwords = self.folder / "passwords"
            passwords.write_text("".join(
                f"{name}:{hashed(password)}\n" for name, password in users.items()), encoding="utf-8")
            rules = (f"auth_param basic program {AUTHENTICATOR} {passwords}\nauth_param basic realm proxy\n"
                     "acl known proxy_auth REQUIRED\nhttp_access allow known\nhttp_access deny all\n")
        config = self.folder / "squid.conf"
        config.write_text(
            f"http_port 127.0.0.1:{self.port}\nhosts_file {hosts}\npid_filename none\ncache deny all\n"
            f"access_log stdio:{self.folder}/access.log\ncache_log {self.folder}/cache.log\nlogfile_rotate 0\n"
            f"cache_store_log none\ncoredump_dir none\nshutdown_lifetime 0 seconds\nvisible_hostname proxy.localhost\n"
            f"pinger_enable off\nnetdb_filename none\n{rules}", encoding="utf-8")
        self.process = process([PROGRAM, "-N", "-f", config], self.folder / "squid.log")
        wait_until(self._listens, "squid to listen", 30)

    def _listens(self):
        assert self.process.running, self.process.text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def log(self):
        try:
            return (self.folder / "access.log").read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def stop(self):
        self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
