"""Names and ports of this machine."""
import contextlib
import random
import socket
import ssl
import threading

_machine_getaddrinfo = socket.getaddrinfo


_way = threading.local()


@contextlib.contextmanager
def reach(address):
    """Within it, names under .localhost are at this address of the machine; for one thread."""
    before = getattr(_way, "address", "127.0.0.1")
    _way.address = address
    try:
        yield
    finally:
        _way.address = before


def _getaddrinfo(host, *arguments, **options):
    """RFC 6761, section 6.3: every name under .localhost is this machine; Debian's resolver does not know by itself."""
    text = host.decode() if isinstance(host, bytes) else host
    if isinstance(text, str) and text.rstrip(".").endswith(".localhost"):
        host = getattr(_way, "address", "127.0.0.1")
    return _machine_getaddrinfo(host, *arguments, **options)


def resolve_localhost_names():
    """Makes this process resolve *.localhost, as browsers do."""
    socket.getaddrinfo = _getaddrinfo


_given = {}


def free_port():
    """A port that nobody listens on, given to one caller only, whatever process of a test run asks. For what has to know its
    port before it starts, and for what has to get it again after a restart: it lies below those that outgoing connections
    take theirs from."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        # Nodes share a port without an error (SO_REUSEPORT): who holds this socket owns the number to the end of the process.
        claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            claim.bind(("127.0.0.2", port))
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        _given[port] = claim
        return port


def trusting(ca_file, check_name=True):
    """A client context that trusts only the authorities of a file, for the right name unless told otherwise."""
    context = ssl.create_default_context(cafile=str(ca_file))
    context.check_hostname = check_name
    context.set_alpn_protocols(["http/1.1"])
    return context
