"""A server that a command starts ends with the command."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from course_utils.lab.server import run_server

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")

SERVER = """
    import os, signal, sys
    def end(number, frame):
        sys.exit(number)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    print(os.getpid(), flush=True)
    signal.pause()
"""
PARENT = """
    import os, sys
    from pathlib import Path
    from course_utils.lab.server import run_server
    sys.exit(run_server([sys.executable, "-c", sys.argv[1]], Path("."), os.environ))
"""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_what_asks_the_command_to_end_reaches_its_server(sent):
    command = [sys.executable, "-c", textwrap.dedent(PARENT), textwrap.dedent(SERVER)]
    parent = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        server = int(parent.stdout.readline())
        parent.send_signal(sent)
        assert parent.wait(30) == sent  # the server's own exit code
        assert not psutil.pid_exists(server)
    finally:
        parent.kill()
        parent.stdout.close()


@pytest.mark.parametrize(("ending", "code"), [("sys.exit(3)", 3), ("os.kill(os.getpid(), 9)", 137)])
def test_the_exit_code_is_the_servers_and_the_signals_are_as_before(ending, code):
    before = signal.getsignal(signal.SIGTERM)
    assert run_server([sys.executable, "-c", f"import os, sys; {ending}"], Path(), os.environ) == code
    assert signal.getsignal(signal.SIGTERM) is before
