"""Coroutines in a test."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def run(whole: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine in a thread of its own, because a browser's tests leave this one's loop running."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, whole).result()
