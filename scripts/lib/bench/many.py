"""Many connectors that do nothing, by one process: each enrolled with a key of its own, each with two open tunnels."""
import base64
import http.client
import json
import pathlib
import selectors
import socket
import ssl
import struct
import tempfile
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from harness.network import trusting
from harness.tunnel import PROTOCOL

TUNNELS = 2
DATA, HEADERS, SETTINGS, PING = 0, 1, 4, 6
ACK, END_STREAM, END_HEADERS = 1, 1, 4
STATUS_200 = b"\x88"  # HPACK's static table


def frame(kind, flags, stream, payload=b""):
    return struct.pack("!IBI", len(payload) << 8 | kind, flags, stream) + payload


class tunnel:
    """Says hello and answers pings, and takes nothing else: a node that is idle sends nothing else."""

    def __init__(self, port, context, instance):
        self.sock = context.wrap_socket(socket.create_connection(("127.0.0.1", port), 30), server_hostname="connectors.localhost")
        self.buffer = bytearray()
        self.preface = True
        self.greeted = False
        self.hello = json.dumps({"wire_version": 1, "version": "0.1.0", "instance": instance, "capacity": 100}).encode()
        # INITIAL_WINDOW_SIZE 0, ENABLE_CONNECT_PROTOCOL 1, MAX_CONCURRENT_STREAMS 100
        self.sock.sendall(frame(SETTINGS, 0, 0, struct.pack("!HIHIHI", 4, 0, 8, 1, 3, 100)))
        self.sock.setblocking(False)

    def fileno(self):
        return self.sock.fileno()

    def take(self):
        """What has come; an error if the node has ended it."""
        while True:
            try:
                data = self.sock.recv(1 << 14)
            except (ssl.SSLWantReadError, BlockingIOError):
                break
            if not data:
                raise ConnectionError("the node has ended a tunnel")
            self.buffer += data
        if self.preface and len(self.buffer) >= 24:
            del self.buffer[:24]
            self.preface = False
        answer = b""
        while not self.preface and len(self.buffer) >= 9:
            size, kind, flags, stream = int.from_bytes(self.buffer[:3], "big"), self.buffer[3], self.buffer[4], self.buffer[5:9]
            if len(self.buffer) < 9 + size:
                break
            payload = bytes(self.buffer[9:9 + size])
            del self.buffer[:9 + size]
            if kind == SETTINGS and not flags & ACK:
                answer += frame(SETTINGS, ACK, 0)
            elif kind == PING and not flags & ACK:
                answer += frame(PING, ACK, 0, payload)
            elif kind == HEADERS:
                number = int.from_bytes(stream, "big")
                answer += frame(HEADERS, END_HEADERS, number, STATUS_200) + frame(DATA, END_STREAM, number, self.hello)
                self.greeted = True
        if answer:
            self.sock.sendall(answer)  # some bytes into an empty buffer


class idle_connectors:
    """Open as long as the block lasts. `node` is a growth.bench_node, whose group "idle" they join."""

    def __init__(self, node, count):
        self.node, self.count = node, count
        self.tunnels, self.problem, self.done = [], None, threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.folder = tempfile.TemporaryDirectory(prefix="postern-connectors-")

    def __enter__(self):
        if self.count:
            self.token = self.node.admin.enrolment_token("idle", "--uses", str(self.count))
            self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        if self.count:
            self.thread.join()
        for one in self.tunnels:
            one.sock.close()
        self.folder.cleanup()

    def ready(self):
        if self.problem:
            raise self.problem
        return len(self.tunnels) == self.count * TUNNELS and all(one.greeted for one in self.tunnels)

    def _run(self):
        try:
            with selectors.DefaultSelector() as selector:
                for number in range(self.count):
                    context = self.enrolled(number)
                    for _ in range(TUNNELS):
                        one = tunnel(self.node.node.port, context, f"idle-{number}")
                        self.tunnels.append(one)
                        selector.register(one, selectors.EVENT_READ)
                        one.take()
                    self._serve(selector, 0)
                while not self.done.is_set():
                    self._serve(selector, 0.2)
        except Exception as problem:  # pylint: disable=broad-except
            self.problem = problem

    @staticmethod
    def _serve(selector, patience):
        for key, _ in selector.select(patience):
            key.fileobj.take()

    def enrolled(self, number):
        """What a new connector dials with (RFC 7030, section 4.2)."""
        key = ec.generate_private_key(ec.SECP256R1())
        request = (x509.CertificateSigningRequestBuilder()
                   .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"idle-{number}")]))
                   .sign(key, hashes.SHA256()))
        port, trust = self.node.node.port, trusting(self.node.node.ca)
        http_client = http.client.HTTPSConnection("connectors.localhost", port, context=trust, timeout=30)
        http_client.request("POST", "/.well-known/est/idle/simpleenroll",
                            base64.encodebytes(request.public_bytes(serialization.Encoding.DER)), {
                                "Content-Type": "application/pkcs10", "Content-Transfer-Encoding": "base64",
                                "Authorization": "Basic " + base64.b64encode(f"connector:{self.token}".encode()).decode()})
        answer = http_client.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"not enrolled: {answer.status} {content!r}")
        certificate = pkcs7.load_der_pkcs7_certificates(base64.b64decode(content))[0]
        file = pathlib.Path(self.folder.name) / f"{number}.pem"
        file.touch(0o600)
        file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
                         + certificate.public_bytes(serialization.Encoding.PEM))
        context = trusting(self.node.node.ca)
        context.set_alpn_protocols([PROTOCOL])
        context.load_cert_chain(str(file))
        file.unlink()
        return context
