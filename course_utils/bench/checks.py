"""The mutation score of the checks: the slips that each exercise's check catches, and its messages."""

import multiprocessing
import os
import statistics
import sys
import time
import tomllib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from course_utils.bench.mutants import Mutant, compiled, mutants
from course_utils.exercises import Exercise, Kind, Outcome, exercises, find, judge
from course_utils.processes import end_with_parent

EQUIVALENT = Path(__file__).with_name("equivalent.toml")
STOPPED = (Kind.TOO_SLOW, Kind.WAITING)  # the check stopped waiting for a loop, which may still run
MEMORY = 4 * 2**30  # bytes that a process may use
PATIENCE = 60.0  # seconds without a finding after which a process is stopped
SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Finding:
    """The verdict of the check on a mutant, and its CPU seconds; empty if the process was lost."""

    mutant: Mutant
    outcome: Outcome
    kind: Kind | None = None
    misconception: str | None = None
    message: str = ""
    cpu_seconds: float = 0.0

    @property
    def caught(self) -> bool:
        """Whether the check rejects or stops the mutant. A check that fails itself has caught nothing."""
        return self.outcome in (Outcome.NOT_YET, Outcome.NOT_ATTEMPTED) or self.kind in STOPPED


@dataclass(frozen=True)
class Score:
    """The findings on all mutants of an exercise, and the changes that have no effect, each with the reason."""

    exercise: str
    findings: Sequence[Finding]
    equivalent: Mapping[str, str]
    seconds: float

    @property
    def caught(self) -> int:
        return sum(finding.caught for finding in self.findings)

    @property
    def named(self) -> int:
        """Number of mutants recognised as a misconception or by a pattern."""
        return sum(finding.misconception is not None for finding in self.findings)

    @property
    def only_numbers(self) -> int:
        """Number of mutants recognised only by the size of their errors."""
        return sum(finding.kind is Kind.VALUES for finding in self.findings)

    @property
    def accepted(self) -> list[Finding]:
        """Mutants that the check should have caught."""
        return [finding for finding in self._not_caught if finding.mutant.change not in self.equivalent]

    @property
    def excused(self) -> list[Finding]:
        """Mutants that compute the same as the reference."""
        return [finding for finding in self._not_caught if finding.mutant.change in self.equivalent]

    @property
    def stale(self) -> list[str]:
        """Changes listed as having no effect that no accepted mutant contains."""
        return sorted(set(self.equivalent) - {finding.mutant.change for finding in self._not_caught})

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds of one check, at the 95th percentile over the mutants."""
        return statistics.quantiles([finding.cpu_seconds for finding in self.findings], n=20, method="inclusive")[-1]

    @property
    def _not_caught(self) -> list[Finding]:
        return [finding for finding in self.findings if not finding.caught]


def scores() -> Iterator[Score]:
    """The scores of all exercises, in the order of the course, each as soon as it is ready; one process per core."""
    table = equivalent()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(partial(score, table=table), [exercise.name for exercise in exercises()])


def score(name: str, table: Mapping[str, Mapping[str, str]]) -> Score:
    """The score of one exercise; table: from ``equivalent``."""
    began = time.perf_counter()
    findings = list(findings_apart(name))
    return Score(name, findings, table.get(name, {}), time.perf_counter() - began)


def equivalent() -> dict[str, dict[str, str]]:
    """By exercise: changes that have no effect although the syntax does not prove it, each with the reason."""
    table = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))
    return {
        exercise: {change: entry["reason"] for entry in entries for change in entry["changes"]}
        for exercise, entries in table.items()
    }


def mutants_of(exercise: Exercise) -> list[Mutant]:
    """All mutants of an exercise's reference, traced on its cases."""
    generator = torch.Generator().manual_seed(0)
    cases = [*exercise.cases(generator), *(wild.arguments for wild in exercise.wild(generator))]
    return mutants(exercise.reference, cases, exercise.learns)


def finding(exercise: Exercise, mutant: Mutant) -> Finding:
    """The verdict of the exercise's check on a mutant, in this process."""
    function = compiled(mutant, exercise.reference)
    began = time.process_time()
    verdict = judge(exercise.name, function)
    seconds = time.process_time() - began
    return Finding(mutant, verdict.outcome, verdict.kind, verdict.misconception, verdict.message, seconds)


def findings_apart(name: str) -> Iterator[Finding]:
    """The findings on all mutants of an exercise, from a separate process, so that no endless loop stops the run.

    The process restarts after a mutant that ended it or may still be running.
    """
    done, total = 0, 1
    while done < total:
        receiver, sender = SPAWN.Pipe(duplex=False)
        process = SPAWN.Process(target=_send_findings, args=(name, done, sender), daemon=True)
        process.start()
        sender.close()
        try:
            found: list[Mutant] = receiver.recv()
            total = len(found)
            for mutant in found[done:]:
                done += 1
                spoke = receiver.poll(PATIENCE)
                latest = receiver.recv() if spoke else Finding(mutant, Outcome.NOT_YET, Kind.TOO_SLOW)
                yield latest
                if latest.kind in STOPPED:
                    break
        except EOFError:
            process.join()
            if not done or process.exitcode is None or process.exitcode >= 0:
                raise RuntimeError(f"The process for the mutants of {name} ended: its output is above.") from None
            yield Finding(found[done - 1], Outcome.NOT_YET, Kind.ERROR)  # killed by the system
        finally:
            process.kill()
            process.join()
            receiver.close()


def _send_findings(name: str, start: int, sender: Connection) -> None:
    """All mutants, then the finding on each from start on."""
    end_with_parent()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    exercise = find(name)
    found = mutants_of(exercise)
    sender.send(found)
    for mutant in found[start:]:
        sender.send(finding(exercise, mutant))
