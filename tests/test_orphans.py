"""A worker whose parent is killed does not stay behind, whether it computes or waits."""

import os
import subprocess
import sys
import textwrap

import psutil
import pytest

MAIN = """
    import multiprocessing, os, time
    from concurrent.futures import ProcessPoolExecutor
    from course_utils.processes import end_with_parent

    if __name__ == "__main__":
        pool = ProcessPoolExecutor(2, multiprocessing.get_context("spawn"), initializer=end_with_parent)
        print(pool.submit(os.getpid).result(), flush=True)
        pool.submit(time.sleep, 7200)
        time.sleep(7200)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_workers_end_with_a_killed_parent(left_behind):
    main = subprocess.Popen([sys.executable, "-c", textwrap.dedent(MAIN)], stdout=subprocess.PIPE, text=True)
    main.stdout.readline()
    workers = psutil.Process(main.pid).children(recursive=True)
    main.kill()
    main.wait()
    main.stdout.close()
    assert workers
    assert not left_behind(workers)
