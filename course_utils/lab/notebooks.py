"""The course's notebooks as files: find by number, solve from the library, execute and measure."""

import os
import platform
import re
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from threading import Event
from typing import TYPE_CHECKING, Any

import psutil

from course_utils import extras
from course_utils.exercises import solution
from course_utils.files import atomic
from course_utils.paths import CLONE, NOTEBOOKS, ROOT
from course_utils.sampler import sampled

if TYPE_CHECKING:
    from nbclient import NotebookClient
    from nbformat import NotebookNode


LONGEST_SOCKET = 103  # bytes of a socket's path: macOS's limit, and Linux's is 107
STARTUP_SECONDS = 600  # for a kernel on a machine that is busy with something else


@dataclass(frozen=True)
class Execution:
    """One headless run: code cells, seconds, CPU seconds and peak bytes of the kernel, and the error."""

    name: str
    cells: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    error: str | None
    notebook: "NotebookNode"


def numbers() -> list[str]:
    """Numbers of the existing notebooks, in order: ``["00", "04"]``."""
    return [path.name[:2] for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))]


def find(number: str) -> Path:
    """Path of notebook ``"04"``, or ``"4"``. Raises FileNotFoundError, with the valid numbers, for any other."""
    wanted = number.zfill(2)
    if not number or wanted not in numbers():
        raise FileNotFoundError(f"There is no notebook {number!r}: choose one of {', '.join(numbers())}.")
    return min(NOTEBOOKS.glob(f"{wanted}_*.ipynb"))


def named(what: str) -> Path:
    """Path of the course's notebook ``"04"``, or of the file ``"my_notebooks/04_vision_transformer.ipynb"`` itself."""
    if not what.endswith(".ipynb"):
        return find(what)
    read(Path(what))
    return Path(what).absolute()


def read(path: Path) -> "NotebookNode":
    """The notebook at path, also with the mark that editors on Windows write before the text.

    Raises ValueError, naming the file, if it is not a notebook, and OSError if there is none.
    """
    import nbformat  # only here: importing it takes longer than finding a notebook

    try:
        return nbformat.reads(path.read_text(encoding="utf-8-sig"), as_version=4)
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no notebook {path}: correct the path.") from None
    except Exception as error:
        ours = CLONE is not None and path.parent == NOTEBOOKS
        command = f"git checkout -- {path.name}" if ours else f"course reset {path.name[:2]}"
        remedy = f"restore it with `{command}`" if path.name[:2] in numbers() else "name another file"
        raise ValueError(f"{path} cannot be read as a notebook ({error}): {remedy}.") from error


def write(notebook: "NotebookNode", path: Path) -> None:
    """Write the notebook, completely or not at all. Raises OSError, such as on a full disk."""
    with atomic(path) as partial:
        partial.write_bytes(encoded(notebook))


def encoded(notebook: "NotebookNode") -> bytes:
    """The content of the notebook's file.
    Half a character, as of an emoji that was cut in two, becomes JSON's escape."""
    import nbformat

    return f"{nbformat.writes(notebook)}\n".encode(errors="backslashreplace")


def headings(cell: "NotebookNode") -> list[str]:
    """The headings in a text cell, as they are written; lines of code that begin with # are none."""
    text = re.sub(r"^```.*?^```", "", cell.source, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^#+ (.+)$", text, re.MULTILINE)


def exercises_of(notebook: "NotebookNode") -> list[str]:
    """Names of the exercises in the notebook, in order."""
    return [name for name in map(_exercise, notebook.cells) if name]


def _exercise(cell: "NotebookNode") -> str | None:
    """The exercise whose cell it is, if any; in a student's notebook, metadata may be anything."""
    course = cell.metadata.get("course")
    name = course.get("exercise") if isinstance(course, dict) else None
    return name if isinstance(name, str) else None


def solve(notebook: "NotebookNode", names: Collection[str]) -> "NotebookNode":
    """Replace the cells of the named exercises by the references' source, in place; → the notebook."""
    for cell in notebook.cells:
        if (name := _exercise(cell)) and name in names:
            cell.source = solution(name)
    return notebook


def execute(
    path: Path,
    solved: Collection[str] = (),
    cell_seconds: int = 600,
    environment: Mapping[str, str] | None = None,
    started: Callable[[int, int], None] | None = None,
    stop: Event | None = None,
) -> Execution:
    """Run every cell in a new headless kernel and measure it. It writes no files next to the notebook.

    solved: names of the exercises to solve first. environment: variables for the kernel, in addition to those of this
    process. started: called before each cell with its number, counted from one, and the number of all cells. stop: ends
    the kernel once it is set; an interruption of this thread, such as Ctrl-C, does too.

    The kernel's progress goes to a temporary folder, so a run never changes a student's progress.
    """
    client = client_of(
        solve(read(path), solved),
        timeout=cell_seconds,
        resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # its warnings are only about ports of this machine
    )
    from nbclient.exceptions import CellExecutionError

    notebook = client.nb
    if started is not None:
        client.on_cell_start = lambda cell, cell_index: started(cell_index + 1, len(notebook.cells))
    error = None
    begun = time.perf_counter()
    kernel = _Kernel(client, stop or Event())
    # In a thread of its own, nbclient leaves Ctrl-C to this one.
    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as state,
        sampled(kernel.look, seconds=0.1),
        ThreadPoolExecutor(1) as thread,
    ):
        ours = {"COURSE_STATE": state, "PYTHONPATH": str(ROOT)}
        running = thread.submit(client.execute, env={**os.environ, **(environment or {}), **ours})
        try:
            finished([running])
            running.result()
        except CellExecutionError as failure:
            error = str(failure)
        except Exception as failure:
            error = f"{type(failure).__name__}: {failure}"
        except BaseException:
            kernel.stop.set()
            raise
    seconds = time.perf_counter() - begun
    notebook.metadata["course_run"] = {
        "seconds": seconds,
        "peak_bytes": kernel.peak_bytes,
        "machine": f"{os.cpu_count()} CPU cores, {platform.machine()}, {platform.system()}",
        "date": date.today().isoformat(),
    }
    cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    return Execution(path.stem, cells, seconds, kernel.cpu_seconds, kernel.peak_bytes, error, notebook)


def client_of(notebook: "NotebookNode", **settings: Any) -> "NotebookClient":
    """A client with a kernel of its own, not started yet. settings: of ``nbclient.NotebookClient``.

    Where the system has such, the kernel listens at sockets in the folder for temporary files. A port that Jupyter
    finds free can be taken by another program before the kernel, seconds later, listens at it; then it does not start.
    """
    extras.needs("nbclient", "ipykernel")
    from nbclient import NotebookClient
    from traitlets.config import Config

    # Sockets are named after this file: without a name, they would lie in the current folder, which client and kernel
    # need not share.
    file = Path(gettempdir(), f"kernel-{uuid.uuid4().hex}.json")
    fits = os.name == "posix" and len(os.fsencode(file)) + 1 <= LONGEST_SOCKET  # NAME.json becomes NAME-ipc-5
    connection = {"transport": "ipc", "connection_file": str(file)} if fits else {}
    return NotebookClient(
        notebook, config=Config(ConnectionFileMixin=connection), startup_timeout=STARTUP_SECONDS, **settings
    )


def finished(runs: Collection[Future[Any]]) -> None:
    """Wait for all, in short steps: on Windows, Ctrl-C does not interrupt a long one."""
    while wait(runs, timeout=0.5).not_done:
        pass


@dataclass
class _Kernel:
    """A client's kernel: its CPU time and resident memory, on Linux the peak that the system records."""

    client: "NotebookClient"
    stop: Event
    cpu_seconds: float = 0.0
    peak_bytes: int = 0

    def look(self) -> None:
        provisioner = getattr(self.client.km, "provisioner", None)
        process = getattr(provisioner, "process", None)  # read only once, because the kernel may end at any moment
        if process is not None:
            self.peak_bytes = max(self.peak_bytes, _resident(process.pid))
            self.cpu_seconds = max(self.cpu_seconds, _cpu_seconds(process.pid))
            if self.stop.is_set():
                process.kill()


def _resident(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        pass
    try:
        return psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return 0


def _cpu_seconds(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system
