"""What lies between connectors and nodes: an HTTP proxy (CONNECT) with a port per connector, and the service's name with the
addresses of all nodes behind it, as DNS or a balancer would have it; and the ways between nodes and to the store. Each link
(connector and node, two nodes, node and store) can be cut (nothing goes through, nobody is told), healed, slowed and lost (its
connections are reset)."""
import socket
import struct
import threading
import time

PIECE = 262_144
DIAL_TIMEOUT = 3.0
RESET = struct.pack("ii", 1, 0)  # SO_LINGER that resets
STORE = "store"


def abort(*sockets):
    """Resets connections, as the end of a process does; whoever waits for them wakes up."""
    for one in sockets:
        try:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        one.close()


def dial(at):
    """A connection to an address and port, or to a socket in the file system."""
    if isinstance(at, tuple):
        far = socket.create_connection(at, DIAL_TIMEOUT)
        far.settimeout(None)
        far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return far
    far = socket.socket(socket.AF_UNIX)
    try:
        far.connect(str(at))
    except OSError:
        far.close()
        raise
    return far


class link:
    """The way between two machines."""

    def __init__(self):
        self.changed = threading.Condition()
        self.cut = False
        self.delay = 0.0
        self.pairs = set()

    def set(self, cut=None, delay=None):
        with self.changed:
            self.cut = self.cut if cut is None else cut
            self.delay = self.delay if delay is None else delay
            self.changed.notify_all()

    def wait(self):
        """Until something may pass."""
        if self.delay:
            time.sleep(self.delay)
        if self.cut:
            with self.changed:
                self.changed.wait_for(lambda: not self.cut)

    def lose(self):
        for pair in list(self.pairs):
            abort(*pair)

    def pump(self, source, target):
        try:
            while data := source.recv(PIECE):
                self.wait()
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
            return
        except OSError:
            abort(source, target)

    def carry(self, near, far):
        pair = (near, far)
        self.pairs.add(pair)
        back = threading.Thread(target=self.pump, args=(far, near), daemon=True)
        back.start()
        self.pump(near, far)
        back.join()
        self.pairs.discard(pair)
        for one in pair:
            one.close()


class relay:
    """`nodes`: name to address, all at one port; `at`: its own address. The name that connectors ask for stands for all nodes,
    by turns."""

    def __init__(self, nodes, port, at="127.0.0.1"):
        self.nodes, self.port, self.at = nodes, port, at
        self.machines = [*nodes, STORE]
        self.links = {}
        self.turn = 0
        self.lock = threading.Lock()
        self.listeners = []

    def link(self, one, other):
        with self.lock:
            return self.links.setdefault(frozenset((one, other)), link())

    def between(self, one, other=""):
        """The links that two names stand for; without the second, all of a machine."""
        others = [other] if other else [name for name in self.machines if name != one]
        return [self.link(one, name) for name in others if one in self.nodes or name in self.nodes]

    def proxy(self, who):
        """A port that proxies for one connector."""
        self.machines.append(who)
        return self.listen((self.at, 0), lambda near: self.asked(who, near))

    def balance(self, address):
        """The port of the nodes at one more address, for whoever asks without a proxy."""
        return self.listen((address, self.port), lambda _: ("somebody", self.choices(""), b""))

    def join(self, name, at, port, whose):
        """The way of the other nodes to one, which listens on its own address. `whose`: who connects from there."""
        return self.listen((at, port), lambda near: (whose(near.getpeername()), [(name, (self.nodes[name], port))], b""))

    def store(self, name, at, socket_file):
        """The way of a node to the store."""
        return self.listen(at, lambda near: (name, [(STORE, socket_file)], b""))

    def listen(self, at, ask):
        """`ask`: from a connection to who that is, where it may lead, and what to say once it does."""
        listener = socket.create_server(at, backlog=256)
        self.listeners.append(listener)
        threading.Thread(target=self.accept, args=(listener, ask), daemon=True).start()
        return listener.getsockname()[1]

    def accept(self, listener, ask):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(near, ask), daemon=True).start()

    def asked(self, who, near):
        """Reads CONNECT."""
        head = b""
        while b"\r\n\r\n" not in head:
            more = near.recv(4_096)
            if not more:
                raise ConnectionError("no request")
            head += more
        method, target, _ = head.split(b"\r\n", 1)[0].split(b" ")
        if method != b"CONNECT":
            raise ConnectionError("not CONNECT")
        return who, self.choices(target.rsplit(b":", 1)[0].decode()), b"HTTP/1.1 200 Connection established\r\n\r\n"

    def choices(self, host):
        """Where a host is, the best place first."""
        names = [name for name, address in self.nodes.items() if address == host]
        if not names:
            with self.lock:
                self.turn += 1
                turn = self.turn
            names = list(self.nodes)
            names = [names[(turn + at) % len(names)] for at in range(len(names))]
        return [(name, (self.nodes[name], self.port)) for name in names]

    def serve(self, near, ask):
        try:
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            who, choices, welcome = ask(near)
            for name, at in choices:
                way = self.link(who, name)
                way.wait()
                try:
                    far = dial(at)
                except OSError:
                    continue
                near.sendall(welcome)
                return way.carry(near, far)
            if welcome:
                near.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            abort(near)
        except (OSError, ValueError):
            near.close()
        return None

    def stop(self):
        while self.listeners:
            listener = self.listeners.pop()
            # A thread that waits in accept() holds the address until it is woken.
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for one in list(self.links.values()):
            one.lose()
            one.set(cut=False, delay=0.0)
