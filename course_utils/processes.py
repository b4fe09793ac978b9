"""Processes that the course starts end with the one that started them, however that one ends."""

import os
from multiprocessing import parent_process
from multiprocessing.connection import wait
from threading import Thread


def end_with_parent() -> None:
    """Called in a process that multiprocessing has spawned: it ends as soon as its parent has ended, killed or not.

    A killed parent ends nobody, and a worker of its pool would wait for the next task without end.
    """
    if parent := parent_process():
        Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()


def _follow(parent: int) -> None:
    wait([parent])
    os._exit(1)
