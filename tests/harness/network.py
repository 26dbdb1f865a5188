"""Names and ports of this machine."""
import socket
import ssl

_machine_getaddrinfo = socket.getaddrinfo


def _getaddrinfo(host, *arguments, **options):
    """RFC 6761, section 6.3: every name under .localhost is this machine; Debian's resolver does not know by itself."""
    text = host.decode() if isinstance(host, bytes) else host
    if isinstance(text, str) and text.rstrip(".").endswith(".localhost"):
        host = "127.0.0.1"
    return _machine_getaddrinfo(host, *arguments, **options)


def resolve_localhost_names():
    """Makes this process resolve *.localhost, as browsers do."""
    socket.getaddrinfo = _getaddrinfo


_given = set()


def free_port():
    """A port that nobody listens on, given to one caller only. For what has to know its port before it starts."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        # Programs' outgoing connections take theirs from the same range; listeners bind with SO_REUSEADDR and get through.
        if port not in _given:
            _given.add(port)
            return port


def trusting(ca_file):
    """A client context that trusts only the authorities of a file."""
    context = ssl.create_default_context(cafile=str(ca_file))
    context.set_alpn_protocols(["http/1.1"])
    return context
