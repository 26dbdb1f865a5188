"""WebSocket frames (RFC 6455, section 5.2) as far as load and origin need them: whole messages of less than 126 bytes."""
import os

TEXT, CLOSE = 1, 8
GOING_AWAY = 1001
LONGEST = 125


def make(kind, content, masked):
    """One frame with all of a message; a client has to mask."""
    head = bytes([0x80 | kind, (0x80 if masked else 0) | len(content)])
    if not masked:
        return head + content
    key = os.urandom(4)
    return head + key + bytes(byte ^ key[at % 4] for at, byte in enumerate(content))


async def read(reader):
    """The next frame as (kind, content). Raises ValueError for what the other end would not send."""
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size > LONGEST or not first & 0x80:
        raise ValueError(f"a frame of {size} bytes, first byte {first:#x}")
    key = await reader.readexactly(4) if second & 0x80 else bytes(4)
    content = await reader.readexactly(size)
    return first & 0x0F, bytes(byte ^ key[at % 4] for at, byte in enumerate(content))


def close_code(content):
    return int.from_bytes(content[:2], "big") if len(content) >= 2 else 1005
