"""A process of its own that watches a kernel during its checks: ``python watchdog.py PROCESS FOLDER``.

It ends a kernel whose interpreter no longer responds, as nothing else can, and leaves a note for the next one. Its
standard input gets a line at the beginning of a check, ``{"exercise": …, "seconds": …}``, an empty one at its end, and
in between ``.`` as often as the interpreter gets to it. It imports nothing of the course.
"""

import json
import os
import queue
import sys
import threading
from pathlib import Path

import psutil

NOTE = "ended-check.json"


def watch(lines: "queue.Queue[str]", kernel: psutil.Process, note: Path) -> None:
    """Take the kernel's lines until it ends.

    A check's seconds are of the kernel's CPU time without a line: a kernel that waits, or a busy machine, is no reason.
    """
    during: dict[str, str | float] = {}
    since = 0.0
    while True:
        try:
            line = lines.get(timeout=0.5)
        except queue.Empty:
            if during and _cpu_seconds(kernel) - since >= float(during["seconds"]):
                _leave(note, {**during, "ended": "by the watchdog"})
                kernel.kill()
                return
            continue
        if line == "":  # the kernel's end of the pipe is closed
            if during:
                _leave(note, {**during, "ended": "by itself"})
            return
        since = _cpu_seconds(kernel)
        if line != ".\n":
            during = json.loads(line) if line.strip() else {}


def _cpu_seconds(kernel: psutil.Process) -> float:
    try:
        times = kernel.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _leave(note: Path, said: dict[str, str | float]) -> None:
    partial = note.with_name(f".{note.name}-{os.getpid()}")
    try:
        partial.write_text(json.dumps(said), encoding="utf-8")
        partial.replace(note)
    except OSError:
        pass  # the kernel has to be ended all the same


def main() -> None:
    """Watch the process with the number in the first argument; the note goes into the folder in the second."""
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in sys.stdin:
            lines.put(line)
        lines.put("")

    threading.Thread(target=read, daemon=True).start()
    watch(lines, psutil.Process(int(sys.argv[1])), Path(sys.argv[2]) / NOTE)


if __name__ == "__main__":
    main()
