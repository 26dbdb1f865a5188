"""Whose socket has a port: from /proc, because all nodes dial from one address."""
import os
import pathlib


def inode_of(port):
    """The socket that an established connection's near end is, as /proc/net/tcp numbers it; None if there is none."""
    for line in pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        words = line.split()
        if int(words[1].split(":")[1], 16) == port and words[3] == "01":
            return words[9]
    return None


def holder(port, processes):
    """`processes`: name to process id. The name of the one that has connected from this port, or "nobody"."""
    wanted = f"socket:[{inode_of(port)}]"
    for name, pid in processes.items():
        for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            try:
                if os.readlink(entry) == wanted:
                    return name
            except OSError:
                pass  # closed meanwhile
    return "nobody"
