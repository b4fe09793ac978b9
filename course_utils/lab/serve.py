"""JupyterLab in this process: a line with its address for the person, and its log in a file.

``course lab`` becomes this process, so that the server has no parent that stays in memory or ends without it.
"""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

LARGEST = 2**20  # bytes of a log that is continued


def main(log: Path, folder: str, arguments: Sequence[str]) -> None:
    """Run JupyterLab with these arguments until Ctrl-C. Exits with its code; prints where its log is if it fails."""
    terminal = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace")
    _write_errors_to(log)
    try:
        from jupyterlab.labapp import LabApp

        server = LabApp.initialize_server(argv=list(arguments))
        signal.signal(signal.SIGINT, lambda *_: server.stop(from_signal=True))  # also while a kernel is starting
        server.io_loop.add_callback(_announce, server, folder)  # once it listens
        server.start()
        # All is cleaned up. Python would still wait for a thread of anyio, without end if its loop has ended.
        os._exit(0)
    except SystemExit as ended:
        if ended.code:
            _explain(log, terminal)
        raise
    except Exception:
        sys.excepthook(*sys.exc_info())
        _explain(log, terminal)
        sys.exit(1)


def _write_errors_to(log: Path) -> None:
    """Let everything for standard error, also of kernels, go to the end of the log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    anew = log.exists() and log.stat().st_size > LARGEST
    with log.open("w" if anew else "a", encoding="utf-8") as file:
        sys.stderr.flush()
        os.dup2(file.fileno(), 2)


def _announce(server: Any, folder: str) -> None:
    print(f"{folder} is open at {server.local_url} (Ctrl-C ends it)", flush=True)


def _explain(log: Path, terminal: TextIO) -> None:
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    reason = lines[-1].rpartition("] ")[2].strip().rstrip(".") if lines else "it said nothing"
    print(f"course: JupyterLab has ended ({reason}): its log is {log}.", file=terminal, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
