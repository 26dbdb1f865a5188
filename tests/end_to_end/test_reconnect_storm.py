"""All connectors come at once, as after a node was away: they are let in at a bounded rate, users are served meanwhile.
POSTERN_STORM=2000 makes it so many connectors with two tunnels each, at a node of two shards (docs/reliability.md)."""
import base64
import heapq
import itertools
import os
import random
import resource
import selectors
import ssl
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from harness.processes import PATIENCE, SANITIZED
from harness.published import group_toml
from harness.tunnel import tunnel, tunnel_context

LARGE = "POSTERN_STORM" in os.environ
IDENTITIES = int(os.environ.get("POSTERN_STORM", 32))
TUNNELS_EACH = 2 if LARGE else 8
SHARDS = 2 if LARGE else 1
COUNT = IDENTITIES * TUNNELS_EACH
# Of those who are turned away; a connector's is 0.5 s at first and up to 30 s.
BACK_OFF = 4
# actors/admission_rate.hpp, of one shard. Of the burst there may be two: those whose handshake has not shown yet who they
# are, and the first of those who are looked at.
RATE, BURST = 200, 33


def enrol(own, folder, name, token):
    """The file with certificate and key of a connector."""
    key = ec.generate_private_key(ec.SECP256R1())
    request = (x509.CertificateSigningRequestBuilder()
               .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])).sign(key, hashes.SHA256()))
    with own.node.browser() as client:
        answer = client.request(
            "POST", own.node.url("connectors") + ".well-known/est/simpleenroll", base={}, auth=("", token),
            headers={"Content-Type": "application/pkcs10", "Content-Transfer-Encoding": "base64"},
            content=base64.b64encode(request.public_bytes(serialization.Encoding.DER)))
    assert answer.status_code == 200, answer.text
    certificate = pkcs7.load_der_pkcs7_certificates(base64.b64decode(answer.content))[0]
    file = folder / f"{name}.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return file


def advance(one):
    """Does what can be done without waiting; whether the tunnel has been greeted."""
    try:
        if not one.shaken:
            one.sock.do_handshake()
            one.shaken = True
            one.flush()
        while not one.greeted:
            if one.read() is None:
                raise ConnectionError("the node has ended a tunnel")
    except ssl.SSLWantReadError:
        pass
    return one.greeted


def arrive(own, number, context):
    """A connection that has said in its first bytes whom it wants, and waits."""
    one = tunnel(own.node.port, "connectors.localhost", context, f"instance-{number}", 1, shake=False)
    one.sock.setblocking(False)
    one.shaken = False
    one.again = lambda: arrive(own, number, context)
    advance(one)
    return one


def serve(waiting):
    """Goes on with all of them until each has been greeted, some of them anew; when each was, and with which."""
    greeted, open_ones, later, turns = [], [], [], itertools.count()

    def come_again(arrive_again):
        heapq.heappush(later, (time.monotonic() + random.uniform(0, BACK_OFF), next(turns), arrive_again))
    with selectors.DefaultSelector() as ready:
        for one in waiting:
            ready.register(one.sock, selectors.EVENT_READ, one)
        end = time.monotonic() + (120 if LARGE else 30) * PATIENCE
        while len(greeted) < len(waiting) and time.monotonic() < end:
            for key, _ in ready.select(0.05 if later else 1):
                one = key.data
                try:
                    if advance(one):
                        greeted.append(time.monotonic())
                        open_ones.append(one)
                        ready.unregister(one.sock)
                except OSError:
                    ready.unregister(one.sock)
                    one.close()
                    come_again(one.again)
            while later and later[0][0] <= time.monotonic():
                arrive_again = heapq.heappop(later)[2]
                try:
                    fresh = arrive_again()
                    ready.register(fresh.sock, selectors.EVENT_READ, fresh)
                except OSError:
                    come_again(arrive_again)
    return greeted, open_ones


class user(threading.Thread):
    """Asks for a page, each time over a connection of its own, whose handshake is what a storm could starve."""

    def __init__(self, own):
        super().__init__()
        self.own = own
        self.over = threading.Event()
        self.answers = []  # (when, after which time, status)

    def run(self):
        while not self.over.is_set():
            begun = time.monotonic()
            with self.own.node.browser() as client:
                status = client.get(self.own.node.url("app") + "hello").status_code
            self.answers.append((time.monotonic(), time.monotonic() - begun, status))


def test_a_storm_of_connectors_leaves_users_alone(make_world, tmp_path):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65_536), most))
    own = make_world(shards=SHARDS)
    own.control.apply(own.published + group_toml("storm"))
    tokens = [own.control.enrolment_token("storm", "--uses", "500") for _ in range(0, IDENTITIES, 500)]
    contexts = [tunnel_context(own.node.ca, enrol(own, tmp_path, f"storm{number}", tokens[number // 500]))
                for number in range(IDENTITIES)]

    def counts():
        one = next(one for one in own.control.api("GET", "/nodes").json()["nodes"] if one["self"])
        return one["connectors_deferred"], one["connectors_turned_away"]
    assert counts() == (0, 0)
    # For the node all of them come in the same moment.
    own.node.process.freeze()
    waiting = [arrive(own, number, context) for number, context in enumerate(contexts) for _ in range(TUNNELS_EACH)]
    own.node.process.thaw()
    begun = time.monotonic()
    asking = user(own)
    asking.start()
    greeted, open_ones = serve(waiting)
    asking.over.set()
    asking.join(30)
    deferred, turned_away = counts()
    for one in open_ones:
        one.close()

    assert len(greeted) == COUNT
    took = max(greeted) - begun
    print(f"{COUNT} tunnels within {took:.2f} s, {turned_away} were turned away; {len(asking.answers)} answers to a user, the slowest after "
          f"{max(one[1] for one in asking.answers) * 1e3:.0f} ms")
    # Nobody got in faster than the rate allows.
    assert took > (COUNT / SHARDS - 2 * BURST) / RATE
    # Under a sanitizer handshakes are slower than that by themselves: nobody has to wait, and a user is the last in the line.
    assert SANITIZED or deferred > COUNT / 4
    assert LARGE or turned_away == 0
    assert {one[2] for one in asking.answers} == {200}
    # A user comes in among those who wait, not behind them.
    assert SANITIZED or asking.answers[0][0] < max(greeted)
    assert max(one[1] for one in asking.answers) < 2 * PATIENCE
