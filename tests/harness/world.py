"""One node, one connector, origins, and one application for everything that tests want to see. Nothing changes it after
its start, so that all tests may share it; a test that changes or kills something makes its own with `small_world`."""
import pathlib
import socket
import sys
import types

from . import certificates
from .fake_sts import fake_sts
from .processes import connector, control, node, process, read_json, wait_until
from .published import application_toml, group_toml
from .raw_origin import raw_origin

INTRANET = pathlib.Path(__file__).resolve().parent.parent / "origin" / "intranet.py"


class intranet:
    """The intranet site as a process."""

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        ready = folder / "intranet.json"
        self.process = process([sys.executable, INTRANET, "--ready-file", ready], folder / "intranet.log")
        self.port = wait_until(lambda: read_json(ready), "the intranet site to listen")["port"]
        self.url = f"http://127.0.0.1:{self.port}/"

    def stop(self):
        return self.process.stop()


def refusing_port():
    """A port that is bound and does not listen: connections are refused, and nobody else can get it. Keep the socket."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    return holder


class world:
    """See the table in `applications` for what is there."""

    def __init__(self, folder):
        self.folder = folder
        self.site = intranet(folder)
        self.raw = raw_origin()
        self.tls_certificate, key = certificates.self_signed(folder, "origin")
        self.secure = raw_origin(certificates.server_context(self.tls_certificate, key))
        self.refusing = refusing_port()
        self.sts = fake_sts(folder)
        self.node = node(folder / "node", sections={
            "sts": f'issuer_ca_file = "{self.sts.certificate}"'}).start()
        self.control = control(self.node, folder / "control").login()
        self.control.apply(self.published())
        self.connector = connector(self.node, folder / "connector")
        self.connector.enroll("main", self.control.enrolment_token("main")).start()

    def url(self, name, path=""):
        return self.node.url(name) + path

    def applications(self):
        """name: (internal URL, keys). Host names are the applications' names unless external_url says otherwise."""
        site, raw = self.site.url, self.raw.url
        passthrough = {"preauthentication": "passthrough"}
        bob = {"assigned": ["user:bob"]}
        return {
            "intranet": (site, {"assigned": ["user:bob", "group:administrators"]}),
            "second": (site, {"assigned": ["group:staff"]}),
            "public": (site, passthrough),
            "raw": (raw, passthrough),
            "guarded": (raw, bob),
            "orphan": (site, {**passthrough, "group": "empty", "connect_timeout": "1s", "response_timeout": "2s"}),
            "refused": (f"http://127.0.0.1:{self.refusing.getsockname()[1]}/", passthrough),
            "silent": (raw, {**passthrough, "response_timeout": "1s"}),
            "idle": (raw, {**passthrough, "idle_timeout": "1s"}),
            "badcert": (self.secure.url, passthrough),
            "anycert": (self.secure.url, {**passthrough, "validate_backend_certificate": False}),
            "closed": (site, {**bob, "maintenance": True}),
            "closedpublic": (site, {**passthrough, "maintenance": True}),
            "lasting": (raw, {**bob, "persistent_cookie": True}),
            "scripted": (raw, {**bob, "http_only_cookie": False}),
            "verbatim": (raw, {**passthrough, "translate_host_header": False}),
            "pathroot": (raw + "root/", {**passthrough, "external_url": self.url("paths")}),
            "pathdeep": (raw + "inner/", {**passthrough, "external_url": self.url("paths", "deep/")}),
            "pathdeeper": (raw + "innermost/", {**bob, "external_url": self.url("paths", "deep/est/")}),
            "pathother": (raw + "other/", {**bob, "external_url": self.url("paths", "other/")}),
            "foreign": (raw, {**bob, "issuer": self.sts.issuer}),
            "foreigntwo": (raw, {**bob, "issuer": self.sts.issuer}),
        }

    def published(self):
        text = group_toml("main") + group_toml("empty")
        for name, (internal, keys) in self.applications().items():
            values = {"external_url": self.url(name), "group": "main", **keys}
            text += application_toml(name, values.pop("external_url"), internal, values.pop("group"), **values)
        return text

    def browser(self, **options):
        return self.node.browser(**options)

    def signed_in(self, application="intranet", user="bob"):
        """A browser with a session for an application."""
        one = self.browser()
        one.sign_in(self.url(application), user, self.node.users[user]["password"])
        return one

    def stop(self):
        codes = {"connector": self.connector.stop(), "node": self.node.stop(), "intranet": self.site.stop()}
        for one in (self.raw, self.secure, self.sts.server):
            one.close()
        self.refusing.close()
        assert not self.raw.problems and not self.secure.problems, (self.raw.problems, self.secure.problems)
        assert codes == dict.fromkeys(codes, 0), f"{codes}; {self.folder}"


def small_world(folder, enrolled=True, more=None, **node_options):
    """A node, an administrator, a raw origin behind `app` (passthrough) and `guarded` (oidc, for bob), and a connector.
    `more` applications, passthrough unless their keys say otherwise: name: (internal URL, keys)."""
    one = types.SimpleNamespace(folder=folder, raw=raw_origin())
    one.node = node(folder / "node", **node_options).start()
    one.control = control(one.node, folder / "control").login_directly()
    one.published = group_toml("main") + application_toml(
        "app", one.node.url("app"), one.raw.url, "main", preauthentication="passthrough",
        connect_timeout="5s") + application_toml("guarded", one.node.url("guarded"), one.raw.url, "main", assigned=["user:bob"])
    for name, (internal, keys) in (more or {}).items():
        one.published += application_toml(name, one.node.url(name), internal, "main",
                                          **{"preauthentication": "passthrough", **keys})
    one.control.apply(one.published)
    one.raw.on("/hello", lambda e: e.answer(200, b"hello"))
    one.connector = connector(one.node, folder / "connector")
    if enrolled:
        one.connector.enroll("main", one.control.enrolment_token("main")).start()

    def stop():
        codes = (one.connector.stop(), one.node.stop())
        one.raw.close()
        assert codes == (0, 0), f"{codes}; {folder}"
    one.stop = stop
    return one
