"""Looking at something again and again while something else runs: how much memory a kernel takes, or a machine."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def sampled(look: Callable[[], None], seconds: float) -> Iterator[None]:
    """Inside, a thread calls ``look`` every so many seconds; at the end of the block it has stopped."""
    finished = threading.Event()

    def watch() -> None:
        while not finished.wait(seconds):
            look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()
