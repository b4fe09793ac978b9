"""Faults injected on purpose: killed trainings, flipped bits, damaged files, nonsense, answers that crash a kernel."""

import gzip
import io
import json
import multiprocessing
import os
import random
import shutil
import tarfile
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

import torch
from safetensors.torch import load_file

from course_utils.bench import hostile, nonsense
from course_utils.bench.injected import Injected
from course_utils.data import load
from course_utils.data.resolve import Files, find_files
from course_utils.exercises.sheltered import can_copy
from course_utils.models import ViTConfig, build
from course_utils.modes import on_threads
from course_utils.paths import CHECKPOINTS
from course_utils.processes import end_with_parent
from course_utils.training import fit
from course_utils.training.rand_augment import RandAugment
from course_utils.training.recipe import Recipe
from course_utils.training.weights import load_checkpoint, save_weights

KILLS, STATES, CARDS, FILES = 20, 60, 360, 200
REFUSED = "refused in one sentence"
SPAWN = multiprocessing.get_context("spawn")
# Augmentation, dropout, averaged weights, two optimisers and a batch that does not divide the data: whatever could
# differ when a training continues.
MODEL = ViTConfig(image_size=32, patch_size=8, dim=32, layers=2, heads=2, mlp_dim=64, classes=8, dropout=0.1)
RECIPE = Recipe(epochs=6, batch_size=24, optimiser="muon", ema=0.9, augment=RandAugment())


def faults(seed: int = 0) -> Iterator[Injected]:
    """Every kind of fault, one after the other; the same ones for the same seed."""
    for inject in (flipped_cards, damaged_files, flipped_checkpoints, killed_trainings):
        yield from inject(random.Random(seed))
    yield from nonsense.configurations(seed=seed)
    if can_copy():
        yield from hostile.answers()


def flipped(content: bytes, generator: random.Random) -> bytes:
    """A copy with one bit changed."""
    bit = generator.randrange(8 * len(content))
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def killed_trainings(generator: random.Random, kills: int = KILLS) -> Iterator[Injected]:
    """Kill a training at random moments and continue it, until it ends: with the weights of one left alone."""
    with tempfile.TemporaryDirectory() as folder:
        whole = _trained(Path(folder) / "whole")
        killed, rounds = 0, 0
        while killed < kills:
            place, since = Path(folder) / f"killed {rounds}", killed
            while not _ended(place, generator if killed < kills else None):
                killed += 1
            same = _weights(place) == whole
            for _ in range(killed - since):
                wrong = "" if same else "the weights differ from those of a training left alone"
                yield Injected("training", "killed and continued", "ends with the same bits", wrong)
            rounds += 1


def _trained(folder: Path) -> str:
    if not _ended(folder, None):
        raise RuntimeError("The training that nobody killed did not end.")
    return _weights(folder)


def _ended(folder: Path, generator: random.Random | None) -> bool:
    """Begin or continue the training; with a generator, kill it soon after it has got on. → whether it ended."""
    process = SPAWN.Process(target=_train, args=(folder,))
    process.start()
    if generator is not None:
        before = set(folder.glob("epoch-*"))
        while process.is_alive() and set(folder.glob("epoch-*")) <= before:
            time.sleep(0.002)
        process.join(generator.uniform(0, 0.5))
        process.kill()
    process.join()
    return process.exitcode == 0


def _train(folder: Path) -> None:
    end_with_parent()
    torch.set_num_threads(1)
    model = build(MODEL, seed=0)
    data, judged = load("shapes", "fit", 300), load("shapes", "validation", 50)
    fit(model, data, judged, RECIPE, folder=folder, checkpoint_seconds=0, quiet=True)
    save_weights(model, folder / "trained.safetensors")


def _weights(folder: Path) -> str:
    return _hash(load_file(folder / "trained.safetensors"))


def _hash(weights: Mapping[str, torch.Tensor]) -> str:
    """Of the numbers alone: safetensors writes its header in any order."""
    return sha256(b"".join(weights[name].numpy().tobytes() for name in sorted(weights))).hexdigest()


def flipped_checkpoints(generator: random.Random, count: int = STATES) -> Iterator[Injected]:
    """Flip a bit in the last checkpoint of a training and continue it: it is named, and the one before is used."""
    with tempfile.TemporaryDirectory() as folder, on_threads(1):
        whole = Path(folder) / "whole"
        weights, _ = _short(whole)
        for number in range(count):
            copy = Path(folder) / str(number)
            shutil.copytree(whole, copy)
            chosen = generator.choice(sorted(max(copy.glob("epoch-*")).iterdir()))
            chosen.write_bytes(flipped(chosen.read_bytes(), generator))
            what = f"a bit flipped in {chosen.name}"
            try:
                found, said = _short(copy)
            except Exception as error:
                yield Injected("checkpoint of a training", what, "stopped", f"{type(error).__name__}: {error}")
            else:
                wrong = "" if said.count("is damaged") == 1 else f"it says: {said or 'nothing'}"
                wrong = wrong or ("" if found == weights else "other weights than without the damage")
                yield Injected("checkpoint of a training", what, "named, the one before used", wrong)
            shutil.rmtree(copy)


def _short(folder: Path) -> tuple[str, str]:
    """Train for a few steps, or continue; → the hash of the weights, and all warnings."""
    model = build(MODEL, seed=0)
    recipe = Recipe(epochs=2, batch_size=24, ema=0.9)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data, judged = load("shapes", "fit", 100), load("shapes", "validation", 20)
        fit(model, data, judged, recipe, folder=folder, checkpoint_seconds=0, quiet=True)
    return _hash(model.state_dict()), " ".join(str(each.message) for each in caught)


def flipped_cards(generator: random.Random, count: int = CARDS) -> Iterator[Injected]:
    """Flip a bit in the card of a shipped model and load it: refused, or the card still says the same."""
    names = sorted(path.stem for path in CHECKPOINTS.glob("*.json"))
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            shutil.copy(CHECKPOINTS / f"{name}.safetensors", folder)
        for number in range(count):
            name = names[number % len(names)]
            good = (CHECKPOINTS / f"{name}.json").read_bytes()
            bad = flipped(good, generator)
            card = Path(folder) / f"{name}.json"
            card.write_bytes(bad)
            outcome, wrong = refusal(partial(load_checkpoint, name, Path(folder)), str(card.with_suffix("")))
            if not outcome:
                outcome = "loaded: the card says the same"
                wrong = "" if _same_json(good, bad) else "loaded with another card"
            yield Injected("card of a shipped model", f"a bit flipped in {name}.json", outcome, wrong)


def _same_json(one: bytes, other: bytes) -> bool:
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return False


def damaged_files(generator: random.Random, count: int = FILES) -> Iterator[Injected]:
    """Damage a dataset in somebody's folder and look for it: never used, named, and left as it is."""
    content = generator.randbytes(20_000)
    wanted = Files(
        "Noise", (".", "noise"), {"noise": sha256(content).hexdigest()}, "sha256", "make it", "noise.tar.gz"
    )
    damages = _damages(content)
    for number in range(count):
        how = list(damages)[number % len(damages)]
        name, body = damages[how](generator)
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            path = Path(folder) / name
            path.write_bytes(body)
            found: list[bytes] = []
            outcome, wrong = refusal(partial(_look_in, Path(folder), wanted, found), "Noise is not on this machine")
            said = " ".join(str(each.message) for each in caught)
            if found:  # a bit of gzip's header says nothing of the content
                outcome, wrong = "used: the content is whole", "" if found == [content] else "used"
            elif name not in said:
                wrong = wrong or f"the file is not named: {said or 'no warning'}"
            if [each.name for each in Path(folder).iterdir()] != [name] or path.read_bytes() != body:
                wrong = "somebody's file was changed or renamed"
            yield Injected("file of a dataset", how, outcome, wrong)


def _look_in(folder: Path, wanted: Files, found: list[bytes]) -> None:
    with patch.dict(os.environ, COURSE_DATA=str(folder)):
        found.extend(find_files(wanted, wanted.checksums, download=False)[0].values())


def _damages(content: bytes) -> Mapping[str, Callable[[random.Random], tuple[str, bytes]]]:
    """Kind of damage → (name of the file, its content), at a random place."""
    packed, bomb, login = gzip.compress(content), gzip.compress(bytes(2**26)), b"<html>Please log in</html>"
    return {
        "a bit flipped": lambda draw: ("noise", flipped(content, draw)),
        "a bit flipped, packed": lambda draw: ("noise.gz", flipped(packed, draw)),
        "a bit flipped, in an archive": lambda draw: ("noise.tar.gz", flipped(_archive(content), draw)),
        "cut short": lambda draw: ("noise", content[: draw.randrange(len(content))]),
        "cut short, packed": lambda draw: ("noise.gz", packed[: draw.randrange(len(packed))]),
        "longer": lambda draw: ("noise", content + draw.randbytes(9)),
        "a login page": lambda _: ("noise.gz", login),
        "unpacks to 64 MiB": lambda _: ("noise.gz", bomb),
        "an archive without it": lambda _: ("noise.tar.gz", _archive(content, "other")),
        "an archive with a link in its place": lambda _: ("noise.tar.gz", _archive(None)),
    }


def _archive(content: bytes | None, name: str = "noise") -> bytes:
    """A tar.gz of one file, or, without content, of a link to itself."""
    packed, member = io.BytesIO(), tarfile.TarInfo(name)
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        if content is None:
            member.type, member.linkname = tarfile.SYMTYPE, name
        member.size = len(content or b"")
        archive.addfile(member, io.BytesIO(content or b""))
    return packed.getvalue()


def refusal(call: Callable[[], object], words: str) -> tuple[str, str]:
    """Call it; → REFUSED and what is wrong with the sentence or the error, or two empty texts if it returns."""
    try:
        call()
    except (ValueError, LookupError, OSError) as error:
        sentence = str(error)
        right = "\n" not in sentence and words in sentence and type(error) is not KeyError
        return REFUSED, "" if right else f"{type(error).__name__}: {sentence}"
    except Exception as error:
        return "another error", f"{type(error).__name__}: {error}"
    return "", ""
