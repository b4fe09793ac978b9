"""The course as its own code would find Windows: no POSIX modules, functions or signals, ``sys.platform`` "win32".

``python tests/as_windows.py`` imports every module so, runs the cheap commands, trains with a checkpoint and checks
answers. All other libraries see the system as it is. It prints what it found, as JSON.
"""

import builtins
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

MODULES = {"crypt", "fcntl", "grp", "nis", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
HIDDEN = {
    "os": """fork forkpty geteuid getuid getegid getgid getgroups getpgid getpgrp getsid setuid setgid setsid setgroups
    setpgid killpg nice sysconf confstr sched_getaffinity sched_setaffinity waitid wait wait3 wait4 WNOHANG WEXITED """
    """WNOWAIT
    P_PID mkfifo mknod chown lchown fchown fchdir chroot uname pread pwrite preadv statvfs fstatvfs getloadavg openpty
    O_NONBLOCK O_NOFOLLOW O_DIRECTORY O_CLOEXEC O_PATH ttyname readv writev sendfile posix_spawn posix_spawnp """
    """memfd_create
    register_at_fork getpriority setpriority EX_OK get_exec_path initgroups ctermid tcgetpgrp""",
    "signal": """SIGALRM SIGHUP SIGKILL SIGQUIT SIGUSR1 SIGUSR2 SIGCHLD SIGSTOP SIGCONT SIGTSTP SIGPIPE SIGWINCH alarm
    setitimer pthread_kill pthread_sigmask sigwait siginterrupt pause""",
    "time": "pthread_getcpuclockid clock_gettime clock_settime CLOCK_MONOTONIC CLOCK_THREAD_CPUTIME_ID tzset",
    "socket": "AF_UNIX socketpair SCM_RIGHTS send_fds recv_fds",
    "sys": "",
}
CHANGED = {"os": {"name": "nt"}, "sys": {"platform": "win32"}}
NEEDS_A_HUB = {"course_utils.teaching.hub.jupyterhub_config"}  # JupyterHub runs it, on Linux


class AsOnWindows(ModuleType):
    """A module of the standard library without what Windows lacks."""

    def __init__(self, real: ModuleType) -> None:
        hidden, changed = set(HIDDEN[real.__name__].split()), CHANGED.get(real.__name__, {})
        ModuleType.__getattribute__(self, "__dict__").update(_real=real, _hidden=hidden, _changed=changed)

    def __getattribute__(self, name: str) -> Any:
        own = ModuleType.__getattribute__(self, "__dict__")
        if name in own["_hidden"]:
            raise AttributeError(f"module {own['_real'].__name__!r} has no attribute {name!r} on Windows")
        return own["_changed"].get(name) or getattr(own["_real"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(ModuleType.__getattribute__(self, "__dict__")["_real"], name, value)


def hide() -> None:
    """From now on, modules of the course that are imported get these modules."""
    stand_ins = {module.__name__: AsOnWindows(module) for module in (os, signal, time, socket, sys)}
    real = builtins.__import__

    def imported(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if level == 0 and (globals or {}).get("__name__", "").partition(".")[0] == "course_utils":
            if name in MODULES:
                raise ModuleNotFoundError(f"No module named {name!r} on Windows", name=name)
            if name in stand_ins:
                return stand_ins[name]
        return real(name, globals, locals, fromlist, level)

    builtins.__import__ = imported


def every_module() -> dict[str, str]:
    """Name of a module that cannot be imported → why."""
    import course_utils
    from course_utils.extras import EXTRAS

    may_lack = {module for modules in EXTRAS.values() for module in modules}
    failed = {}
    for module in pkgutil.walk_packages(course_utils.__path__, "course_utils."):
        if module.name in NEEDS_A_HUB:
            continue
        try:
            importlib.import_module(module.name)
        except Exception as error:
            if not (isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in may_lack):
                failed[module.name] = traceback.format_exc()
    return failed


def commands() -> dict[str, Any]:
    """A command → its exit code and what it printed."""
    from typer.testing import CliRunner

    from course_utils import cli

    run = CliRunner()
    lines = ("--help", "check 00", "solve 04.patchify", "data status", "demo", "train", "doctor", "doctor --report")
    results = {line: run.invoke(cli.app, line.split()) for line in lines}
    return {line: [result.exit_code, result.output, repr(result.exception)] for line, result in results.items()}


def training(folder: Path) -> list[float]:
    """Train, continue from the checkpoint, and train at once; → the last loss of each, which must be the same."""
    from small import RECIPE, quarters, tiny_vit

    from course_utils.training import fit

    images, longer = quarters(64), replace(RECIPE, epochs=2)
    fit(tiny_vit(), images, None, longer, folder=folder / "run", quiet=True)
    for checkpoint in sorted((folder / "run").glob("epoch-*"))[1:]:
        for file in checkpoint.iterdir():
            file.unlink()
        checkpoint.rmdir()
    continued = fit(tiny_vit(), images, None, longer, folder=folder / "run", quiet=True)
    at_once = fit(tiny_vit(), images, None, longer, quiet=True)
    return [history.epochs[-1].train_loss for history in (continued, at_once)]


def answers() -> list[str]:
    """The verdicts on a right answer, a wrong one and one that does not end, in a kernel that cannot be copied."""
    from course_utils.exercises import find, sheltered

    def endless(tokens: int) -> None:
        while True:
            pass

    sheltered.in_notebook = lambda: True
    exercise = replace(find("00.causal_mask"), seconds=0.5)
    given = (lambda tokens: exercise.reference(tokens), lambda tokens: exercise.reference(tokens).T, endless)
    verdicts = [sheltered.examine_sheltered(exercise, answer)[0] for answer in given]
    return [verdict.outcome if verdict.passed else verdict.kind for verdict in verdicts]


def main() -> None:
    """Print everything."""
    tests = Path(__file__).parent
    sys.path[:0] = [str(tests.parent), str(tests / "training")]
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["COURSE_STATE"] = str(Path(folder) / "state")
        hide()
        found = {"modules": every_module(), "commands": commands()}
        found |= {"losses": training(Path(folder)), "answers": answers()}
        from course_utils.exercises.sheltered import can_copy
        from course_utils.files import WINDOWS

        found |= {"as Windows": [WINDOWS, can_copy()]}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
