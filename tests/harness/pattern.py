"""Content of any size without keeping it: MiB after MiB, each beginning with its number, so that loss, repetition and
change of order all show."""
import hashlib

SIZE = 1 << 20
BLOCK = hashlib.shake_256(b"postern").digest(SIZE)


def blocks(size):
    """The content in pieces of at most one MiB."""
    number = 0
    while size > 0:
        block = number.to_bytes(8, "big") + BLOCK[8:]
        yield block[:size]
        size -= len(block)
        number += 1


def sha256(size):
    digest = hashlib.sha256()
    for block in blocks(size):
        digest.update(block)
    return digest.hexdigest()


class checker:
    """Compares pieces as they arrive with what should come."""

    def __init__(self):
        self.size = 0
        self.wrong_at = None

    def take(self, piece):
        at = 0
        while at < len(piece) and self.wrong_at is None:
            number, offset = divmod(self.size, SIZE)
            count = min(SIZE - offset, len(piece) - at)
            block = number.to_bytes(8, "big") + BLOCK[8:] if offset < 8 else BLOCK
            # Slices of bytes are compared as memory; views would be compared byte by byte.
            if piece[at:at + count] != block[offset:offset + count]:
                self.wrong_at = self.size
                return
            self.size += count
            at += count

    def expect(self, size):
        assert self.wrong_at is None, f"wrong content within the piece at {self.wrong_at}"
        assert self.size == size, f"{self.size} bytes arrived instead of {size}"
