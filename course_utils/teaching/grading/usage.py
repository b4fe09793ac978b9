"""What the processes of a student use in total, seen from outside."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil

PROCESSES = 32  # of one student at a time, in addition to the keeper
WRITABLE = 2**30  # bytes in the student's own folder
FILES = 20_000  # in the student's own folder


class Watch:
    """A look from outside at what the processes below a keeper use in total."""

    def __init__(self, keeper: int, memory: int, scratch: Path) -> None:
        """memory: bytes allowed in addition to those used now; scratch: the folder that they write to."""
        self.keeper, self.memory, self.scratch = keeper, memory, scratch
        processes = living(keeper)
        self.each = max(map(_resident, processes), default=0)
        self.all = sum(map(_shared_out, processes))

    def excess(self) -> str | None:
        """What they use too much of, such as "started more than 32 processes"; None if nothing."""
        processes = living(self.keeper)
        if len(processes) > 1 + PROCESSES:
            return f"started more than {PROCESSES} processes"
        more = sum(max(0, _resident(process) - self.each) for process in processes)  # quick, and never too small
        if more > self.memory and sum(map(_shared_out, processes)) - self.all > self.memory:
            return f"used more than {self.memory / 2**30:.3g} GiB of memory in all its processes"
        try:
            sizes = list(_sizes(self.scratch))
        except RecursionError:
            return "made too many folders inside one another"
        if sum(sizes) > WRITABLE or len(sizes) > FILES:
            return f"wrote more than {WRITABLE / 2**30:.3g} GiB or {FILES:,} files"
        return None


def living(top: int) -> list[psutil.Process]:
    """A process and its descendants, without those that have ended, in the order in which they were started."""
    try:
        first = psutil.Process(top)
        started = sorted(first.children(recursive=True), key=psutil.Process.create_time)
        return [one for one in (first, *started) if _lives(one)]
    except psutil.Error:
        return []


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _resident(process: psutil.Process) -> int:
    """Bytes of a process in memory; 0 if it has ended."""
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _shared_out(process: psutil.Process) -> int:
    """Bytes of a process, where a page of several processes counts for each in part; all bytes if that is unknown."""
    try:
        found = process.memory_full_info()
    except psutil.Error:
        return _resident(process)
    return int(getattr(found, "pss", found.rss))


def _sizes(folder: Path) -> Iterator[int]:
    """The sizes of the files in a folder that other processes may change meanwhile."""
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                yield os.lstat(os.path.join(where, name)).st_size
            except OSError:
                continue
