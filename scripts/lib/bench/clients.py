"""Clients of scripts/bench for what no common tool measures."""
import asyncio
import multiprocessing
import re
import selectors
import socket
import ssl
import time


def tls_context(ca):
    context = ssl.create_default_context(cafile=str(ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    return context


def connect(context, port, session=None):
    plain = socket.create_connection(("127.0.0.1", port), timeout=10)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(plain, server_hostname="localhost", session=session)


def ask(stream, request):
    """One request and its answer; leaves the connection as it is."""
    stream.sendall(request)
    head = b""
    while b"\r\n\r\n" not in head:
        more = stream.recv(16384)
        if not more:
            raise SystemExit("a connection ended before its answer")
        head += more
    head, _, body = head.partition(b"\r\n\r\n")
    left = length_of(head) - len(body)
    while left > 0:
        more = stream.recv(left)
        if not more:
            raise SystemExit("a connection ended within its answer")
        left -= len(more)


def length_of(head):
    found = re.search(rb"\r\ncontent-length:\s*(\d+)", head, re.IGNORECASE)
    if not head.startswith(b"HTTP/1.1 200") or not found:
        raise SystemExit(f"not the answer that was asked for: {head[:300]!r}")
    return int(found.group(1))


def open_idle(one, count):
    """Connections that have had one answer each and now wait."""
    context, request, opened = tls_context(one.ca), one.get_small(), []
    for _ in range(count):
        opened.append(connect(context, one.port))
        ask(opened[-1], request)
    return opened


async def _one_connection(one, context, request, first, step, count, gate, latencies):
    reader, writer = await asyncio.open_connection("127.0.0.1", one.port, ssl=context, server_hostname="localhost")
    start = await gate()
    for number in range(count):
        intended = start + first + number * step
        await asyncio.sleep(max(0, intended - time.monotonic()))
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(length_of(head))
        latencies.append(time.monotonic() - intended)
    writer.transport.abort()


async def _open_loop(one, rate, connections, seconds):
    context, request, latencies = tls_context(one.ca), one.get_small(), []
    ready, start = 0, asyncio.get_running_loop().create_future()

    async def gate():
        nonlocal ready
        ready += 1
        if ready == connections:
            start.set_result(time.monotonic() + 0.1)
        return await start
    await asyncio.gather(*(_one_connection(one, context, request, number / rate, connections / rate,
                                           rate * seconds // connections, gate, latencies)
                           for number in range(connections)))
    return latencies


def open_loop(one, rate, connections, seconds):
    """Seconds from when each request was due (not from when it could be sent: a stall counts for all that it delays) to the
    end of its answer. Due times are evenly spaced over all connections."""
    # select() waits to the microsecond; epoll's whole milliseconds would be most of what is measured.
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    try:
        return loop.run_until_complete(_open_loop(one, rate, connections, seconds))
    finally:
        loop.close()


def _handshakes(one, seconds, resume, results):
    context = tls_context(one.ca)
    # Checking a chain costs the client alone, more with a longer chain: it would take cores from the side that has one.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    session = None
    if resume:
        # Tickets come after the handshake: OpenSSL has them once something was read.
        with connect(context, one.port) as stream:
            ask(stream, one.get_small())
            session = stream.session
    end, count, resumed = time.monotonic() + seconds, 0, 0
    while time.monotonic() < end:
        stream = connect(context, one.port, session)
        count, resumed = count + 1, resumed + stream.session_reused
        try:
            # Waits for the server's end too: only then has it finished its part of the handshake.
            stream.unwrap().close()
        except (ssl.SSLError, ConnectionError):
            stream.close()
    results.put((count, resumed))


def handshakes(one, seconds, resume, processes=2):
    """(connections, how many of them were resumed) of some processes together."""
    fork = multiprocessing.get_context("fork")
    results = fork.SimpleQueue()
    running = [fork.Process(target=_handshakes, args=(one, seconds, resume, results)) for _ in range(processes)]
    for client in running:
        client.start()
    for client in running:
        client.join()
    if any(client.exitcode for client in running):
        raise SystemExit(f"{one.name}: a client that opens connections failed")
    counts = [results.get() for _ in running]
    return sum(count for count, _ in counts), sum(resumed for _, resumed in counts)
