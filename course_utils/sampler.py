"""Do something again and again while something else runs, such as sampling the memory of a kernel or a machine."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def sampled(look: Callable[[], None], seconds: float) -> Iterator[None]:
    """Within the block, a thread calls ``look`` at this interval in seconds; it stops at the end of the block."""
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
