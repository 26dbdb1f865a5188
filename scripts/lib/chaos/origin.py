"""The internal server as a process of its own. Arguments: READY-FILE NOTES-FILE ADDRESS. It notes when each request arrives
that must not be repeated: a line "TIME ID" per POST."""
import asyncio
import base64
import hashlib
import json
import os
import sys
import time

import socket_frames

PAUSE = 0.02  # so that exchanges are open at every connector at any time
EVENT_EVERY = 0.2
BLOCK = bytes(range(256)) * 256


async def answer(writer, content):
    await asyncio.sleep(PAUSE)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content)
    await writer.drain()


async def take(reader, size):
    """The content of a request; returns what it comes to."""
    digest, left = hashlib.sha256(), size
    while left > 0:
        piece = await reader.readexactly(min(left, 65_536))
        digest.update(piece)
        left -= len(piece)
    return digest.hexdigest()[:16].encode()


async def download(writer, size):
    await asyncio.sleep(PAUSE)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
    for at in range(0, size, len(BLOCK)):
        writer.write(BLOCK[:size - at])
        await writer.drain()


async def events(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    number = 0
    while True:
        text = f"id: {number}\ndata: {time.time()}\n\n".encode()
        writer.write(b"%x\r\n" % len(text) + text + b"\r\n")
        await writer.drain()
        number += 1
        await asyncio.sleep(EVENT_EVERY)


async def echo(reader, writer, key):
    proof = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Accept: " + proof + b"\r\n\r\n")
    while True:
        kind, content = await socket_frames.read(reader)
        writer.write(socket_frames.make(kind, content, masked=False))
        await writer.drain()
        if kind == socket_frames.CLOSE:
            return


async def serve(reader, writer, notes):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.split(b"\r\n")
            method, target, _ = lines[0].split(b" ")
            fields = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:-2])}
            path, _, query = target.partition(b"?")
            if method == b"POST":
                notes.write(f"{time.time()} {query.rsplit(b'=', 1)[-1].decode()}\n")
                notes.flush()
            digest = await take(reader, int(fields.get(b"content-length", 0)))
            if path.endswith(b"/download"):
                await download(writer, int(query.split(b"=")[1].split(b"&")[0]))
            elif path.endswith(b"/events"):
                return await events(writer)
            elif path.endswith(b"/socket"):
                return await echo(reader, writer, fields[b"sec-websocket-key"])
            else:
                await answer(writer, digest if method == b"POST" else b"hello")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    finally:
        writer.close()


async def main():
    with open(sys.argv[2], "w", encoding="ascii") as notes:
        server = await asyncio.start_server(lambda r, w: serve(r, w, notes), sys.argv[3], 0, backlog=1024)
        text = json.dumps({"pid": os.getpid(), "port": server.sockets[0].getsockname()[1]})
        with open(sys.argv[1] + ".new", "w", encoding="ascii") as file:
            file.write(text)
        os.replace(sys.argv[1] + ".new", sys.argv[1])
        await server.serve_forever()


asyncio.run(main())
