"""Real processes of Postern: started in folders of their own, ended by their process id only."""
import atexit
import json
import os
import pathlib
import re
import signal
import subprocess
import time

from . import network
from .browser import browser

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("POSTERN_BIN", ROOT / "build" / "dev"))
# Sanitizers slow everything down; no assertion is about speed, but waiting has to end some time.
PATIENCE = float(os.environ.get("POSTERN_PATIENCE", "1"))
SANITIZED = bool(os.environ.get("POSTERN_SANITIZED"))
# The address sanitizer has each of two processes keep 256 MiB of what it has freed, to see who uses it still, and half as much
# again around it.
KEPT_BY_SANITIZERS = 768 << 20 if SANITIZED else 0


def wait_until(condition, what, seconds=15.0, every=0.02):
    """Waits for a condition to hold and returns its value."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds * PATIENCE:.0f} s in vain: {what}")
        time.sleep(every)


def cpu_seconds(pid):
    """User and system time of a process so far, all threads, to the nanosecond: /proc counts in hundredths of a second."""
    return time.clock_gettime((~pid << 3) | 2)  # the clock of clock_getcpuclockid(3)


def read_json(path):
    """The value of a file that is replaced atomically; None as long as there is none."""
    try:
        return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


_started = []


@atexit.register
def _end_all():
    """Whatever a failed set-up left running."""
    for one in _started:
        if one.running:
            one.kill()


class process:
    """One process with its output in files."""

    def __init__(self, arguments, log, env=None, stdin=None, **options):
        self.log = pathlib.Path(log)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as out:
            self.popen = subprocess.Popen([str(one) for one in arguments], stdout=out, stderr=out,
                                          stdin=stdin or subprocess.DEVNULL, env={**os.environ, **(env or {})},
                                          start_new_session=True, **options)
        _started.append(self)

    @property
    def pid(self):
        return self.popen.pid

    @property
    def running(self):
        return self.popen.poll() is None

    def text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def send(self, number):
        if self.running:
            self.popen.send_signal(number)

    def kill(self):
        """As a power cut would: no chance to finish anything."""
        self.send(signal.SIGKILL)
        return self.popen.wait(30)

    def freeze(self):
        self.send(signal.SIGSTOP)

    def thaw(self):
        self.send(signal.SIGCONT)

    def wait(self, seconds=30.0):
        return self.popen.wait(seconds * PATIENCE)

    def stop(self, seconds=30.0):
        """A planned stop; returns the exit code. One that does not end in time is killed, and that is a failure."""
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.popen.args[0]} did not stop; its last words:\n{self.text()[-3000:]}") from None

    def rss(self):
        """Resident memory in bytes."""
        return int(pathlib.Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class daemon:
    """A program with a state folder that says in a file when it is ready: ready() returns what stands there, or None."""
    process = None

    def wait_ready(self):
        def is_ready():
            if not self.process.running:
                raise AssertionError(f"ended with {self.process.popen.returncode}:\n{self.process.text()[-3000:]}")
            return self.ready()
        wait_until(is_ready, f"the {type(self).__name__} to be ready", 30)
        return self

    def stop(self, seconds=30.0):
        if self.process is None:
            return 0
        code = self.process.stop(seconds)
        self.process = None
        return code


def run(arguments, input_text=None, env=None, seconds=60.0):
    """Runs a program to its end; the result has returncode, stdout and stderr."""
    return subprocess.run([str(one) for one in arguments], input=input_text, text=True, capture_output=True, check=False,
                          timeout=seconds * PATIENCE, env={**os.environ, **(env or {})})


_hashes = {}


def password_hash(password):
    """What `postern hash-password` makes of it; made once per run, because it is slow on purpose."""
    if password not in _hashes:
        done = run([BIN / "postern", "hash-password"], input_text=password + "\n")
        assert done.returncode == 0, done.stderr
        _hashes[password] = done.stdout.strip()
    return _hashes[password]


USERS = {
    "alice": {"display_name": "Alice Adams", "email": "alice@example.com", "groups": ["administrators", "staff"],
              "password": "alice-demo-password"},
    "bob": {"display_name": "Bob Brown", "email": "bob@example.com", "groups": ["staff"],
            "password": "bob-demo-password"},
    "carol": {"display_name": "Carol Clark", "email": "carol@example.com", "groups": [],
              "password": "carol-demo-password"},
}


def users_toml(users):
    lines = []
    for name, one in users.items():
        lines += ["[[user]]", f'name = "{name}"', f'display_name = "{one["display_name"]}"',
                  f'email = "{one["email"]}"', f"groups = {json.dumps(one['groups'])}",
                  f'password_hash = "{password_hash(one["password"])}"', ""]
    return "\n".join(lines)


class node(daemon):
    """A `postern` process with its folder: configuration, users, data. Started again, it keeps its port and data."""

    def __init__(self, folder, port=0, users=None, shards=2, extra="", sections=None, address="127.0.0.1", listen=""):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = self.folder / "data"
        self.address = address
        self.listen = listen or address
        self.port = port or network.free_port()
        self.http_port = network.free_port()
        self.users = users or USERS
        self.process = None
        self.env = {}
        self.words = []  # before the program
        self.run_words = []  # more arguments of `serve`
        self.config = self.folder / "node.toml"
        (self.folder / "users.toml").write_text(users_toml(self.users), encoding="utf-8")
        self.write_config(shards, extra, sections or {})

    def write_config(self, shards, extra, sections):
        """`extra` stands before the first table; `sections` adds lines to tables, or tables."""
        tables = {
            "listen": f'address = "{self.listen}"\nport = {self.port}\nhttp_port = {self.http_port}\nshards = {shards}',
            "names": 'service = "connectors.localhost"\nadmin = "admin.localhost"\nsts = "sts.localhost"',
            "sts": 'users_file = "users.toml"',
            "log": 'level = "info"\nformat = "json"',
        }
        for name, lines in sections.items():
            tables[name] = tables.get(name, "") + "\n" + lines
        text = f'data_directory = "data"\n{extra}\n' + "".join(f"\n[{name}]\n{lines}\n" for name, lines in tables.items())
        self.config.write_text(text, encoding="utf-8")

    def url(self, name):
        suffix = "" if self.port == 443 else f":{self.port}"
        return f"https://{name}.localhost{suffix}/"

    @property
    def ca(self):
        return self.data / "server-ca.pem"

    def start(self):
        (self.data / "ready.json").unlink(missing_ok=True)
        self.process = process([*self.words, BIN / "postern", "serve", "--config", self.config, *self.run_words],
                               self.folder / "node.log", env=self.env)
        return self.wait_ready()

    def ready(self):
        state = read_json(self.data / "ready.json")
        return state if state is not None and state["pid"] == self.process.pid else None

    def browser(self, **options):
        return browser(self.ca, **options)


class control:
    """posternctl with the token of one user."""

    def __init__(self, on, folder, user="alice"):
        self.node = on
        self.user = user
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.token_file = self.folder / "token"

    def arguments(self, *words):
        return [BIN / "posternctl", "--admin", self.node.url("admin").rstrip("/"), "--ca", self.node.ca,
                "--token-file", self.token_file, *words]

    def run(self, *words, input_text=None):
        return run(self.arguments(*words), input_text)

    def expect(self, *words, input_text=None):
        done = self.run(*words, input_text=input_text)
        assert done.returncode == 0, f"posternctl {words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def login(self):
        """The device authorization grant, the user's part played by a browser."""
        log = self.folder / "login.log"
        log.unlink(missing_ok=True)
        login = process(self.arguments("login"), log)
        approve_printed(login, self.node, self.user)
        assert login.wait() == 0, login.text()
        return self

    def granted_tokens(self, client_id="posternctl"):
        """What the same grant gives, without posternctl, which has to wait some seconds before it asks whether the user has
        allowed it."""
        sts = self.node.url("sts")
        with self.node.browser() as client:
            asked = client.request("POST", sts + "device_authorization", base={}, data={
                "client_id": client_id, "scope": "openid profile email groups"}).json()
            client.approve_device(asked["verification_uri"], asked["user_code"], self.user,
                                  self.node.users[self.user]["password"])
            granted = client.request("POST", sts + "token", base={}, data={
                "grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": client_id,
                "device_code": asked["device_code"]})
        assert granted.status_code == 200, granted.text
        return granted.json()

    def login_directly(self):
        """Has a token as after `login`."""
        self.token_file.touch(0o600)
        self.token_file.write_text(self.granted_tokens()["access_token"] + "\n", encoding="utf-8")
        return self

    def apply(self, text, *words):
        """Applies TOML text."""
        file = self.folder / "published.toml"
        file.write_text(text, encoding="utf-8")
        return self.expect("apply", "-f", file, *words)

    def enrolment_token(self, group, *words):
        """A new one-time token."""
        text = self.expect("create", "token", "--group", group, *words)
        found = re.search(r"[A-Za-z0-9_-]{20,}", text)
        assert found, text
        return found.group(0)

    def api(self, method, path, token=None, **options):
        """One request to the admin API."""
        with self.node.browser() as client:
            bearer = token if token is not None else self.access_token()
            return client.request(method, self.node.url("admin").rstrip("/") + "/api/v1" + path, base={},
                                  headers={"Authorization": "Bearer " + bearer}, **options)

    def access_token(self):
        text = self.token_file.read_text(encoding="utf-8").strip()
        return json.loads(text)["access_token"] if text.startswith("{") else text


def approve_printed(asking, on, user):
    """Waits until a program prints where to sign in and with which code, and does that as `user`."""
    def printed():
        text = asking.text()
        url = re.search(r"https://[^\s\"'<>]+", text)
        code = re.search(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b", text)
        if not (url and code) and not asking.running:
            raise AssertionError("ended before it asked for a sign-in:\n" + text)
        return (url.group(0), code.group(0)) if url and code else None
    url, code = wait_until(printed, "the program to print URL and code")
    with on.browser() as someone:
        return someone.approve_device(url.rstrip("."), code, user, on.users[user]["password"])


class connector(daemon):
    """A `postern-connector` process with its state folder."""

    def __init__(self, on, folder, name="connector"):
        self.node = on
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.state = self.folder / "state"
        self.name = name
        self.process = None
        self.env = {}
        self.words = []  # before the program
        self.run_words = []  # more arguments of `run`

    def enroll_arguments(self, group, *words):
        return [*self.words, BIN / "postern-connector", "enroll", "--service", self.node.url("connectors").rstrip("/"),
                "--group", group, "--state", self.state, "--ca", self.node.ca, "--name", self.name, *words]

    def try_enroll(self, group, token, *words):
        """Enrols with a token from standard input."""
        return run(self.enroll_arguments(group, "--token-file", "-", *words), input_text=token + "\n", env=self.env)

    def enroll(self, group, token, *words):
        done = self.try_enroll(group, token, *words)
        assert done.returncode == 0, f"enroll: {done.returncode}\n{done.stdout}{done.stderr}"
        return self

    def start(self):
        (self.state / "ready.json").unlink(missing_ok=True)
        return self.launch().wait_ready()

    def launch(self):
        """Starts without waiting."""
        self.process = process([*self.words, BIN / "postern-connector", "run", "--state", self.state, "--log-format", "json",
                                *self.run_words],
                               self.folder / "connector.log", env=self.env)
        return self

    def ready(self):
        """What the process last said of itself; None before it was ready."""
        state = read_json(self.state / "ready.json")
        return state if state is not None and self.process and state["pid"] == self.process.pid else None

