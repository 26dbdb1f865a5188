"""TLS to origins: whom a connector trusts there, which name it asks for, as whom it comes, and that an end without
close_notify is no end."""
import shutil
import ssl
import struct
import socket

import pytest

from harness import certificates
from harness.processes import wait_until
from harness.raw_origin import raw_origin
from harness.wire import raw_client, read_content
from harness.world import small_world


class tls_world:
    def __init__(self, folder):
        self.folder = folder
        # The certificate is for a name that DNS does not know; the client's is its own authority.
        self.ca, key = certificates.self_signed(folder, "named", host="wiki.corp.internal")
        client_certificate, client_key = certificates.self_signed(folder, "client")
        self.client_pem = client_certificate.read_text(encoding="utf-8") + client_key.read_text(encoding="utf-8")
        self.names = []
        context = certificates.server_context(self.ca, key)
        context.sni_callback = lambda _, name, __: self.names.append(name)
        self.named = raw_origin(context)
        asking = certificates.server_context(self.ca, key)
        asking.verify_mode = ssl.CERT_REQUIRED
        asking.load_verify_locations(str(client_certificate))
        self.asking = raw_origin(asking)
        for origin in (self.named, self.asking):
            origin.on("/hello", lambda e: e.answer(200, b"hello"))
        named = {"backend_ca_file": str(self.ca), "backend_server_name": "wiki.corp.internal"}
        self.world = small_world(folder / "own", more={
            "named": (self.named.url, named),
            "unnamed": (self.named.url, {"backend_ca_file": str(self.ca)}),
            "unknown": (self.named.url, {"backend_server_name": "wiki.corp.internal"}),
            "known": (self.asking.url, {**named, "backend_client_certificate": "wiki.pem"}),
            "nameless": (self.asking.url, named),
        })
        self.certificates = self.world.connector.state / "client-certificates"

    def ask(self, name, path="/hello"):
        with raw_client(self.world.node.port, f"{name}.localhost", self.world.node.ca) as client:
            client.send(f"GET {path} HTTP/1.1\r\nHost: {name}.localhost:{self.world.node.port}\r\n"
                        "Accept: application/problem+json\r\n\r\n")
            return client.answer()

    def stop(self):
        self.world.stop()
        self.named.close()
        self.asking.close()


@pytest.fixture(scope="module")
def at(tmp_path_factory, process_logs):
    folder = tmp_path_factory.mktemp("tls")
    process_logs.append(folder)
    one = tls_world(folder)
    yield one
    one.stop()


def test_own_authorities_and_another_name_count(at):
    head, body = at.ask("named")
    assert head.status == 200 and body == b"hello" and at.names[-1] == "wiki.corp.internal"
    for name in ("unnamed", "unknown"):
        head, body = at.ask(name)
        assert head.status == 502 and b"origin_certificate" in body


def test_authorities_travel_as_text(at):
    shown = at.world.control.expect("get", "applications", "named", "-o", "toml")
    assert "BEGIN CERTIFICATE" in shown and "backend_ca_file" not in shown
    # Applying what was shown changes nothing.
    file = at.folder / "again.toml"
    file.write_text('[[group]]\nname = "main"\n' + shown, encoding="utf-8")
    assert "nothing to change" in at.world.control.expect("apply", "-f", file)


def test_a_client_certificate_opens_and_its_absence_is_named(at):
    shutil.rmtree(at.certificates, ignore_errors=True)
    head, body = at.ask("known")
    assert head.status == 502 and b"origin_client_certificate" in body
    # The user learns nothing of the machine, the log everything.
    assert b"wiki.pem" not in body and str(at.certificates / "wiki.pem") in at.world.connector.process.text()
    at.certificates.mkdir()
    file = at.certificates / "wiki.pem"
    file.touch(0o600)
    file.write_text(at.client_pem, encoding="utf-8")
    # Found with the next pull, which a change brings about.
    at.world.control.apply(at.world.published.replace('connect_timeout = "5s"', 'connect_timeout = "6s"'))
    wait_until(lambda: at.ask("known")[0].status == 200, "the certificate to be found")
    assert at.ask("nameless")[0].status == 502


@pytest.mark.parametrize("end, whole", [("close_notify", True), ("without", False), ("reset", False)])
def test_unframed_content_is_whole_only_after_close_notify(at, end, whole):
    def answer(one):
        one.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 5_000)
        sock = one.stream.sock
        if end == "close_notify":
            try:
                sock.settimeout(0.2)
                sock.unwrap()
            except OSError:
                pass
        elif end == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            sock.shutdown(socket.SHUT_RDWR)
        return False
    at.named.on("/unframed", answer)
    with raw_client(at.world.node.port, "named.localhost", at.world.node.ca) as client:
        client.send(f"GET /unframed HTTP/1.1\r\nHost: named.localhost:{at.world.node.port}\r\n\r\n")
        if whole:
            assert len(client.answer()[1]) == 5_000
            return
        with pytest.raises((EOFError, OSError)):
            head = client.head()
            assert head.status == 200
            b"".join(read_content(client.stream, head, True))
            raise AssertionError("taken for whole")
