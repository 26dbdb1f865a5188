"""The demo itself; scripts/demo installs and builds before it."""
import argparse
import hashlib
import pathlib
import shutil
import signal
import socket
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from harness import network, processes  # noqa: E402
from harness.processes import connector, control, node, process, read_json, wait_until  # noqa: E402
from harness.published import application_toml, group_toml  # noqa: E402

USERS = processes.USERS
RESTART_PAUSE = 10  # seconds: enough to open a page meanwhile
ROLES = {"alice": "administrator", "bob": "assigned to intranet", "carol": "assigned to nothing"}


def parse_arguments():
    parser = argparse.ArgumentParser(prog="scripts/demo")
    parser.add_argument("--port", type=int, default=8443)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--keep", action="store_true")
    return parser.parse_args()


def say(text=""):
    print(text, flush=True)


class demo:
    """Everything that runs, in the order in which it starts; ended in the other."""

    def __init__(self, folder, port):
        self.folder = folder
        self.site = None
        self.node = node(folder / "node", port=port)
        self.control = control(self.node, folder / "control")
        self.connector = connector(self.node, folder / "connector", "demo-connector")

    def start(self):
        self.start_site()
        self.node.start()
        say(f"  node            {self.node.url('connectors')} and all other names, one port")
        say("  administrator   alice signs in (device authorization grant) for posternctl")
        self.control.login()
        say("  publishing      intranet (sign-in first), public (passthrough), orphan (a group without a connector)")
        self.control.apply(self.published())
        if (self.connector.state / "identity.pem").exists():
            say("  connector       has enrolled before")
        else:
            say("  connector       enrols: makes a key, and alice allows it in")
            self.enroll()
        self.connector.start()
        say("  connector       ready, over an outgoing connection only")

    def start_site(self):
        ready = self.folder / "intranet.json"
        ready.unlink(missing_ok=True)
        self.site = process([sys.executable, ROOT / "tests" / "origin" / "intranet.py", "--ready-file", ready],
                            self.folder / "intranet.log")
        port = wait_until(lambda: read_json(ready), "the internal application to listen")["port"]
        self.internal_url = f"http://127.0.0.1:{port}/"
        say(f"  application     {self.internal_url} (loopback only: nobody outside reaches it)")

    def enroll(self):
        shutil.rmtree(self.connector.state, ignore_errors=True)
        enrolling = process(self.connector.enroll_arguments("demo"), self.folder / "enroll.log")
        processes.approve_printed(enrolling, self.node, "alice")
        if enrolling.wait(60) != 0:
            raise AssertionError("the connector could not enrol:\n" + enrolling.text())

    def published(self):
        def one(name, group, **keys):
            return application_toml(name, self.node.url(name), self.internal_url, group, **keys)
        return (group_toml("demo") + group_toml("empty")
                + one("intranet", "demo", preauthentication="oidc", assigned=["user:bob", "group:administrators"])
                + one("public", "demo", preauthentication="passthrough")
                + one("orphan", "empty", preauthentication="oidc", assigned=["user:bob", "group:administrators"],
                      connect_timeout="2s", response_timeout="3s"))

    def stop(self):
        for one in (self.connector, self.node):
            one.stop()
        if self.site:
            self.site.stop()


class report:
    """What a check saw, one line each."""

    def __init__(self):
        self.good = True

    def __call__(self, what, right, seen):
        self.good = self.good and right
        say(f"  {'ok  ' if right else 'FAIL'}  {what}: {seen}")


def check(running):
    """Signs in and uses everything once."""
    see, here = report(), running.node
    say("\nCheck, as a browser would:")
    with here.browser() as browser:
        first = browser.get(here.url("intranet") + "directory")
        see("without a session", first.status_code in (302, 303) and here.url("sts") in first.headers.get("location", ""),
            f"{first.status_code}, redirected to sign in")
        page = browser.sign_in(here.url("intranet") + "directory", "bob", USERS["bob"]["password"])
        see("sign-in as bob", page.status_code == 200 and "Bob Brown" in page.text,
            f"{page.status_code}, back on {page.url.path}")
        page = browser.get(here.url("intranet"))
        see("GET", page.status_code == 200 and "Welcome, Bob Brown" in page.text,
            f"{page.status_code}, the application greets Bob Brown" if "Bob Brown" in page.text else f"{page.status_code}")
        ordered = browser.request("POST", here.url("intranet") + "form", data={"order": "tea", "amount": "3"})
        see("POST", ordered.status_code == 200 and "tea" in ordered.text, f"{ordered.status_code}, the order came back")
        data = hashlib.shake_256(b"demo").digest(20_000_000)
        stored = browser.fetch(here.url("intranet") + "upload", "PUT", content=data)
        see("upload of 20 MB", stored.status_code == 200 and stored.json()["sha256"] == hashlib.sha256(data).hexdigest(),
            f"{stored.status_code}, the SHA-256 at the application is that of what was sent")
        size = 100 << 20
        loaded = browser.fetch(here.url("intranet") + f"download/{size}")
        again = browser.fetch(here.url("public") + f"download/{size}")
        see("download of 100 MiB", loaded.status_code == 200 and len(loaded.content) == size
            and loaded.content == again.content, f"{loaded.status_code}, {len(loaded.content)} bytes")
        lost = browser.open(here.url("orphan"))
        see("application without a connector", lost.status_code == 504 and "empty" in lost.text,
            f"{lost.status_code}, the group is named")
    with here.browser() as browser:
        page = browser.sign_in(here.url("intranet"), "carol", USERS["carol"]["password"])
        see("sign-in as carol, who is not assigned", page.status_code == 403, page.status_code)
        page = browser.get(here.url("public"))
        see("passthrough, without signing in", page.status_code == 200, page.status_code)
        see("script without a session", browser.fetch(here.url("intranet")).status_code == 401, "401, no redirect")
    say("\nAll as it should be." if see.good else "\nSomething is wrong; see above.")
    return 0 if see.good else 1


def tell(running):
    here = running.node
    say(f"""
Open                                    you see
  {here.url('intranet'):<38}the intranet, after signing in
  {here.url('public'):<38}the same without (passthrough)
  {here.url('orphan'):<38}what is said when a group has no connector

Sign in as                              password""")
    for name, role in ROLES.items():
        say(f"  {name + ' (' + role + ')':<38}{USERS[name]['password']}")
    say(f"""
Your browser does not know the authority that signs here: accept the warning, or trust {here.ca}
Administration: {processes.BIN}/posternctl --admin {here.url('admin').rstrip('/')} --ca {here.ca} \\
    --token-file {running.control.token_file} get applications
State and logs: {running.folder}

Ctrl-C stops everything.""")


def port_is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def interrupt(*_):
    raise KeyboardInterrupt


def run(arguments, folder):
    running = demo(folder, arguments.port)
    try:
        running.start()
        if arguments.check:
            return check(running)
        tell(running)
        stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        while not stopped.wait(0.5):
            if not running.node.process.running:
                say(f"The node has ended by itself; its last words:\n{running.node.process.text()[-2000:]}")
                return 1
            if not running.connector.process.running:
                say(f"The connector has ended by itself; its last words:\n{running.connector.process.text()[-500:]}\n"
                    f"A service manager would start it again; that happens here in {RESTART_PAUSE} s. Requests wait for it:\n"
                    f"open {running.node.url('public')} now, and it is served then.")
                if stopped.wait(RESTART_PAUSE):
                    break
                running.connector.start()
                say("The connector is there again.")
        say("\nStopping.")
        return 0
    finally:
        running.stop()


def main():
    arguments = parse_arguments()
    network.resolve_localhost_names()
    signal.signal(signal.SIGTERM, interrupt)
    if not (processes.BIN / "postern").exists():
        say(f"scripts/demo: {processes.BIN / 'postern'} is not built; leave out --no-setup")
        return 1
    if not port_is_free(arguments.port):
        say(f"scripts/demo: port {arguments.port} is in use; choose another by --port")
        return 1
    try:
        if arguments.keep:
            folder = ROOT / ".demo" / str(arguments.port)  # names and certificates of a start belong to its port
            folder.mkdir(parents=True, exist_ok=True)
            for log in folder.glob("**/*.log"):
                log.unlink()
            return run(arguments, folder)
        with tempfile.TemporaryDirectory(prefix="postern-demo-") as folder:
            return run(arguments, pathlib.Path(folder))
    except (AssertionError, KeyboardInterrupt) as problem:
        say(f"scripts/demo: {problem or 'interrupted'}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
