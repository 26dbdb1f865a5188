"""All connectors come at once, as after a node was away: they are let in at a bounded rate, users are served meanwhile."""
import base64
import selectors
import ssl
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from harness.processes import PATIENCE
from harness.published import group_toml
from harness.tunnel import tunnel, tunnel_context

IDENTITIES = 32
TUNNELS_EACH = 8
COUNT = IDENTITIES * TUNNELS_EACH
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
            assert one.read() is not None, "the node has ended a tunnel"
    except ssl.SSLWantReadError:
        pass
    return one.greeted


def arrive(own, contexts):
    """Connections that have said in their first bytes whom they want, and wait."""
    made = []
    for number, context in enumerate(contexts):
        for _ in range(TUNNELS_EACH):
            one = tunnel(own.node.port, "connectors.localhost", context, f"instance-{number}", 1, shake=False)
            one.sock.setblocking(False)
            one.shaken = False
            advance(one)
            made.append(one)
    return made


def serve(waiting):
    """Goes on with all of them until each has been greeted; when each was."""
    greeted = []
    with selectors.DefaultSelector() as ready:
        for one in waiting:
            ready.register(one.sock, selectors.EVENT_READ, one)
        end = time.monotonic() + 30 * PATIENCE
        while len(greeted) < len(waiting) and time.monotonic() < end:
            for key, _ in ready.select(1):
                if advance(key.data):
                    greeted.append(time.monotonic())
                    ready.unregister(key.fileobj)
    return greeted


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
    own = make_world(shards=1)
    own.control.apply(own.published + group_toml("storm"))
    token = own.control.enrolment_token("storm", "--uses", str(IDENTITIES))
    contexts = [tunnel_context(own.node.ca, enrol(own, tmp_path, f"storm{number}", token)) for number in range(IDENTITIES)]

    def counts():
        one = next(one for one in own.control.api("GET", "/nodes").json()["nodes"] if one["self"])
        return one["connectors_deferred"], one["connectors_turned_away"]
    assert counts() == (0, 0)
    # Whatever the speed of this machine: for the node all of them come in the same moment.
    own.node.process.freeze()
    waiting = arrive(own, contexts)
    own.node.process.thaw()
    begun = time.monotonic()
    asking = user(own)
    asking.start()
    greeted = serve(waiting)
    asking.over.set()
    asking.join(30)
    for one in waiting:
        one.close()

    assert len(greeted) == COUNT
    took = max(greeted) - begun
    print(f"{COUNT} tunnels within {took:.2f} s; {len(asking.answers)} answers to a user, the slowest after "
          f"{max(one[1] for one in asking.answers) * 1e3:.0f} ms")
    # Nobody got in faster than the rate allows.
    assert took > (COUNT - 2 * BURST) / RATE
    deferred, turned_away = counts()
    assert deferred > COUNT / 4 and turned_away == 0
    assert {one[2] for one in asking.answers} == {200}
    # A user comes in among those who wait, not behind them.
    assert asking.answers[0][0] < max(greeted)
    assert max(one[1] for one in asking.answers) < 2 * PATIENCE
