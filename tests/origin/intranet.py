#!/usr/bin/python3
"""A small intranet site on loopback: what the demo publishes and many end-to-end tests talk to.

Pages for people: /, /directory, /form, /files, /events, /chat, /whoami.
For tests: /echo, /status/NNN, /slow?seconds=, /abort?after=, /redirect, /cookies, /hints, /download/BYTES, PUT or POST /upload.
"""
import argparse
import asyncio
import hashlib
import html
import json
import os
import pathlib
import tempfile

from aiohttp import WSMsgType, web

import pages

BLOCK = hashlib.shake_256(b"postern").digest(1 << 20)


def text_page(body):
    return web.Response(text=body, content_type="text/html")


def generated(size):
    """The bytes of a download: MiB after MiB, each beginning with its number, so that no two are alike."""
    number = 0
    while size > 0:
        block = number.to_bytes(8, "big") + BLOCK[8:]
        yield block[:size]
        size -= len(block)
        number += 1


async def home(request):
    return text_page(pages.home(request.headers.get("X-Postern-Name", "")))


async def directory(_):
    return text_page(pages.directory())


async def form(request):
    if request.method == "GET":
        return text_page(pages.FORM)
    fields = await request.post()
    return text_page(pages.page("Ordered", f'<section id="ordered">{pages.table(fields.items())}</section>'))


async def files(_):
    return text_page(pages.FILES)


async def stored(request, reader):
    """Streams content to a file; returns size and SHA-256."""
    digest, size = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(dir=request.app["uploads"], delete=True) as out:
        async for chunk in reader:
            digest.update(chunk)
            size += len(chunk)
            out.write(chunk)
    return size, digest.hexdigest()


async def part_content(part):
    while chunk := await part.read_chunk(1 << 16):
        yield chunk


async def upload(request):
    if not request.content_type.startswith("multipart/"):
        size, digest = await stored(request, request.content.iter_chunked(1 << 18))
        return web.json_response({"size": size, "sha256": digest})
    async for part in await request.multipart():
        if part.filename:
            size, digest = await stored(request, part_content(part))
            rows = [("Name", part.filename), ("Size", size), ("SHA-256", digest)]
            return text_page(pages.page("Uploaded", f'<section id="uploaded">{pages.table(rows)}</section>'))
    raise web.HTTPBadRequest(text="no file was sent")


async def download(request):
    size = int(request.match_info["size"])
    headers = {"Content-Type": "application/octet-stream",
               "Content-Disposition": f'attachment; filename="generated-{size}.bin"'}
    if "chunked" not in request.query:
        headers["Content-Length"] = str(size)
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    if request.method != "HEAD":
        for block in generated(size):
            await response.write(block)
    await response.write_eof()
    return response


async def events_page(_):
    return text_page(pages.EVENTS)


async def event_stream(request):
    every, count = float(request.query.get("every", 1)), int(request.query.get("count", 3600))
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    for number in range(count):
        await response.write(f"data: event {number}\n\n".encode())
        await asyncio.sleep(every)
    return response


async def chat_page(_):
    return text_page(pages.CHAT)


async def chat_socket(request):
    socket = web.WebSocketResponse(protocols=("echo.v1",), max_msg_size=64 << 20)
    await socket.prepare(request)
    async for message in socket:
        if message.type == WSMsgType.TEXT:
            if message.data == "close 4001":
                await socket.close(code=4001, message=b"as you wish")
            else:
                await socket.send_str(message.data)
        elif message.type == WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


async def whoami(request):
    known = [(name, value) for name, value in request.headers.items() if name.lower().startswith("x-")]
    return text_page(pages.page("Who am I", f'<section id="known">{pages.table(known)}</section>'))


async def echo(request):
    """What arrived, as JSON."""
    digest, size = hashlib.sha256(), 0
    async for chunk in request.content.iter_chunked(1 << 18):
        digest.update(chunk)
        size += len(chunk)
    return web.json_response({
        "method": request.method, "target": request.raw_path, "size": size, "sha256": digest.hexdigest(),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.raw_headers]})


async def status(request):
    code = int(request.match_info["code"])
    body = None if code in (204, 304) else f"status {html.escape(str(code))}\n"
    return web.Response(status=code, text=body, headers={"X-Answered-By": "origin"})


async def slow(request):
    await asyncio.sleep(float(request.query.get("seconds", 1)))
    return web.Response(text="at last\n")


async def abort(request):
    """Promises more than it sends: the connection ends in the middle of the content."""
    after = int(request.query.get("after", 1000))
    response = web.StreamResponse(headers={"Content-Length": str(after + 100_000), "Content-Type": "text/plain"})
    await response.prepare(request)
    await response.write(b"x" * after)
    await asyncio.sleep(0.05)
    request.transport.close()
    return response


async def old(_):
    raise web.HTTPFound("directory")


def own_url(request):
    host, port = request.transport.get_extra_info("sockname")[:2]
    return f"http://{host}:{port}/"


async def redirect(request):
    """To this server's internal URL, as careless applications do; ?to= is appended, ?elsewhere= replaces it all."""
    target = request.query.get("elsewhere") or own_url(request) + request.query.get("to", "directory")
    raise web.HTTPFound(target)


async def cookies(request):
    """Cookies for the internal host, and what the browser sent back."""
    response = web.json_response({"cookie": request.headers.get("Cookie", "")})
    response.headers.add("Set-Cookie", "plain=1; Path=/")
    response.headers.add("Set-Cookie", "internal=2; Domain=127.0.0.1; Path=/; HttpOnly")
    response.headers.add("Set-Cookie", "elsewhere=3; Domain=example.org; Path=/")
    return response


async def hints(request):
    """103 (RFC 8297) before the answer."""
    request.transport.write(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style\r\n\r\n")
    return web.Response(text="after the hints\n")


def site(uploads):
    app = web.Application(client_max_size=1 << 40)
    app["uploads"] = str(uploads)
    app.add_routes([
        web.get("/", home), web.get("/directory", directory), web.get("/form", form), web.post("/form", form),
        web.get("/files", files), web.post("/upload", upload), web.put("/upload", upload),
        web.get("/download/{size:[0-9]+}", download), web.get("/events", events_page),
        web.get("/events/stream", event_stream), web.get("/chat", chat_page), web.get("/chat/socket", chat_socket),
        web.get("/whoami", whoami), web.route("*", "/echo", echo), web.route("*", "/echo/{rest:.*}", echo),
        web.route("*", "/status/{code:[0-9]{3}}", status), web.get("/slow", slow), web.get("/abort", abort),
        web.get("/old", old), web.get("/redirect", redirect), web.get("/cookies", cookies), web.get("/hints", hints)])
    return app


async def serve(port, ready):
    with tempfile.TemporaryDirectory(prefix="intranet-") as uploads:
        runner = web.AppRunner(site(uploads), access_log=None)
        await runner.setup()
        listener = web.TCPSite(runner, "127.0.0.1", port)
        await listener.start()
        port = runner.addresses[0][1]
        print(f"http://127.0.0.1:{port}/", flush=True)
        if ready:
            part = pathlib.Path(str(ready) + ".part")
            part.write_text(json.dumps({"port": port, "pid": os.getpid()}), encoding="utf-8")
            part.replace(ready)
        stopped = asyncio.Event()
        for number in (2, 15):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        await stopped.wait()
        await runner.cleanup()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0: one that is free; the URL is printed")
    parser.add_argument("--ready-file", type=pathlib.Path, help="is written as JSON once it listens")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.port, arguments.ready_file))


if __name__ == "__main__":
    main()
