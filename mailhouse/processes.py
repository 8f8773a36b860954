"""Which process this is, and whether another one is still there."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """One process of one host. `started` tells two apart that were given the same number; '' where the system does not say."""

    host: str
    pid: int
    started: str

    @property
    def is_gone(self) -> bool:
        """Whether it surely runs no longer; of another host's processes that cannot be known from here."""
        if self.host != this_host():
            return False
        return not is_running(self.pid) or _started(self.pid) != self.started


def this_process() -> Process:
    return Process(this_host(), os.getpid(), _started(os.getpid()))


def this_host() -> str:
    """The host's name, with its space of process numbers: two containers may share the name, but not the numbers."""
    try:
        return f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def is_running(pid: int) -> bool:
    """Whether a process of this number exists on this host."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _started(pid: int) -> str:
    """When it started, in the kernel's own count; 'ended' for one that only waits to be collected by its parent."""
    try:
        # the name of the program stands in brackets and may hold spaces and brackets itself
        state, *rest = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "ended" if state in "ZX" else rest[18]
