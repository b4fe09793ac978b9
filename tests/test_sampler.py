"""The sampler looks again and again, and has stopped when its block ends, however it ends."""

import threading

import pytest

from course_utils.sampler import sampled


def test_it_looks_from_a_thread_of_its_own_until_the_block_ends():
    seen, twice = [], threading.Event()

    def look():
        seen.append(threading.current_thread())
        if len(seen) == 2:
            twice.set()

    with pytest.raises(KeyError), sampled(look, seconds=0.001):  # noqa: PT012
        assert twice.wait(60)
        raise KeyError
    assert not seen[0].is_alive()
    assert {*seen} == {seen[0]} != {threading.current_thread()}


def test_it_waits_before_it_looks():
    seen = []
    with sampled(lambda: seen.append(1), seconds=600):
        pass
    assert seen == []
