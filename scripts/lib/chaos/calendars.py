"""A calendar of its own for each machine, by libfaketime. Clocks that only go forward are left as they are."""
import pathlib

from harness.processes import SANITIZED


class calendars:
    def __init__(self, folder):
        if SANITIZED:
            raise RuntimeError("libfaketime and a sanitizer cannot both come first in a program")
        libraries = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        if not libraries:
            raise RuntimeError("libfaketime is not installed; scripts/setup test installs it")
        self.folder, self.library = folder, libraries[0]
        folder.mkdir(parents=True)

    def of(self, name):
        """The environment of a machine's programs, in which the time is right as yet."""
        self.set(name, 0.0)
        return {"LD_PRELOAD": str(self.library), "FAKETIME_TIMESTAMP_FILE": str(self.folder / name),
                "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1", "FAKETIME_CACHE_DURATION": "1"}

    def set(self, name, by):
        """So many seconds before everybody else, from within a second on."""
        new = self.folder / (name + ".new")
        new.write_text(f"{by:+.3f}\n", encoding="ascii")
        new.replace(self.folder / name)
