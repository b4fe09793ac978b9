"""On a GPU, without having one: everything that takes a tensor runs on a device that is not there.

See ``pretended_device.py``. Every public function and method with a tensor among its arguments must be reached here
with tensors on the device: a new one, without a scenario below and without a reason in :data:`ELSEWHERE`, fails.
"""

import importlib
import importlib.util
import inspect
import pkgutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import is_dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import pytest
import timm
import torch
from packaging.version import Version
from pretended_device import DEVICE, Elsewhere, Machine
from torch import Tensor, nn

from course_utils import attention, costs, models, plots, widgets
from course_utils.analysis import layers, probes, rollout, roofline, throughput
from course_utils.attention import attention_recorded, local
from course_utils.attention.core import RecordedAttention
from course_utils.data import LabelledImages, make_shapes, pixels, splits
from course_utils.data import few_shot as few_shot_data
from course_utils.data.captions import CAPTIONS, caption_numbers, field_numbers
from course_utils.deployment import quantise
from course_utils.deployment.export import OnnxModel, agreement
from course_utils.exercises.exercise import exercises as every_exercise
from course_utils.experiments import (
    nb02_twins,
    nb03_pixel_layers,
    nb04_explanation,
    nb04_layers,
    nb05_crossing,
    nb05_data_size,
    nb06_augreg,
    nb06_regularisers,
    nb07_curves,
    nb07_distillation,
    nb07_imagenet_teacher,
    nb07_softness,
    nb09_few_shot,
    nb09_imagenet_to_cifar,
    nb09_imagenet_tuning,
    nb10_attacks,
    nb10_captions,
    own_images,
    runs_captions,
)
from course_utils.experiments.nb09_few_shot import TRAINED
from course_utils.experiments.recipes import varied
from course_utils.experiments.runs import small_resnet
from course_utils.few_shot import episodes, fine_tune, lora
from course_utils.models import build, palette
from course_utils.models.convert import from_timm, from_torchvision
from course_utils.models.encoder import Encoder
from course_utils.models.image_text import contrastive_loss, retrieval_ranks, similarities
from course_utils.models.pretrained import Pretrained
from course_utils.robustness import attack, smoothing
from course_utils.training import (
    Examples,
    Recipe,
    augment,
    distill,
    evaluate,
    fit,
    pretrain,
    rand_augment,
    regularise,
)
from course_utils.training.contrast import Hardening, Pairing, train_pairs
from course_utils.training.muon import orthogonalised
from course_utils.training.optimiser import make_optimiser
from course_utils.training.remembering import Remembering
from course_utils.training.weights import load_weights, save_weights

TESTS = Path(__file__).parent
PACKAGES = ("analysis", "attention", "costs", "data", "deployment", "experiments", "few_shot", "models", "plots")
PACKAGES += ("robustness", "training")  # a widget takes its tensors to the CPU, whatever they are: see every_widget


def at(value: Any) -> Any:
    """The value with every tensor in it on the device."""
    if isinstance(value, Tensor):
        return value.to(DEVICE)
    if isinstance(value, nn.Module):
        return deepcopy(value).to(DEVICE)
    if inspect.isfunction(value):  # a student's, with weights that lie elsewhere
        return lambda *arguments: at(value(*(each.cpu() for each in arguments)))
    if isinstance(value, dict):
        return {name: at(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(*map(at, value)) if hasattr(value, "_fields") else type(value)(map(at, value))
    if is_dataclass(value) and not isinstance(value, type):
        moved = {name: at(part) for name, part in vars(value).items() if isinstance(part, Tensor)}
        return replace(value, **moved) if moved else value
    return value


def random(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(DEVICE)


def samples(path: str) -> ModuleType:
    """A module of the tests, which gives small examples."""
    name = f"samples_of_{Path(path).stem}"
    spec = importlib.util.spec_from_file_location(name, TESTS / path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str((TESTS / path).parent))  # some build upon each other
        spec.loader.exec_module(module)
    return module


# ---- scenarios -----------------------------------------------------------------------------------------------------

SCENARIOS: dict[str, Callable[[], object]] = {}


def scenario(run: Callable[[], object]) -> Callable[[], object]:
    SCENARIOS[run.__name__] = run
    return run


def step(model: nn.Module, *inputs: Any) -> None:
    """A training step, then the same model in evaluation: logits and every attention map."""
    model.to(DEVICE).train()
    optimiser = make_optimiser(model, Recipe(), DEVICE)
    logits = model(*inputs)
    heads = logits if isinstance(logits, tuple) else (logits,)
    sum(head.float().square().mean() for head in heads).backward()
    assert all(p.grad is None or p.grad.device == DEVICE for p in model.parameters())
    optimiser.step()
    with torch.no_grad():
        model.eval()(*inputs)
    if any(isinstance(module, RecordedAttention) for module in model.modules()):
        with attention_recorded(model) as maps:
            model(*inputs)
        assert maps
        assert {each.device for each in maps} == {DEVICE}
        with torch.no_grad():
            maps = model.attention_maps(*inputs[-1:])  # of an image–text model, between words
        if len({each.shape for each in maps}) == 1 and isinstance(model, models.ViT):
            rollout.attention_rollout(maps)
    assert {value.device for value in model.state_dict().values()} == {DEVICE}


def of_model(kind: type[nn.Module]) -> None:
    own = samples(f"models/test_{kind.__module__.rpartition('.')[2]}.py")
    side = getattr(own.SMALL, "image_size", 16)
    given = getattr(own, "INPUTS", None) or (torch.rand(2, own.SMALL.channels, side, side),)
    step(build(own.SMALL, 0), *at(given))


for each in models.__all__:
    if inspect.isclass(found := getattr(models, each)) and issubclass(found, nn.Module):
        SCENARIOS[f"a training step of {each}"] = partial(of_model, found)


@scenario
def the_answers_of_every_exercise():
    for exercise in every_exercise():
        for arguments in exercise.all_cases():
            if not any(each.dtype == torch.float64 for each in tensors(arguments)):  # tried on purpose, on the CPU
                exercise.reference(*at(arguments))


@scenario
def every_widget():
    shown = samples("widgets/samples.py")
    for name in widgets.__all__:
        for changed in (at, lambda value: at(halved(value))):
            getattr(widgets, name)(**changed(dict(shown.SAMPLES[name].arguments)))


def halved(value: Any) -> Any:
    """The value with every image in it, and nothing else, in bfloat16."""
    if isinstance(value, dict):
        return {name: halved(part) if name in ("image", "images") else part for name, part in value.items()}
    return value.bfloat16() if isinstance(value, Tensor) and value.is_floating_point() else value


@scenario
def figures():
    plots.show_images(random(3, 1, 4, 4).bfloat16())
    plots.show_matrices({"a": random(2, 3)}, annotate=True)
    plots.show_attention_over([random(3, 4, 4)], [random(2, 2)])
    plots.show_position_similarity(random(4, 3))
    plt.close("all")


@scenario
def layers_that_no_small_model_has():
    tokens, maps = random(2, 5, 8), random(1, 8, 6, 6)
    attention.DecoderBlock(8, 2, 8).to(DEVICE)(tokens, random(2, 3, 8)).sum().backward()
    for name in ("unfold", "masked", "tiled", "shifted"):
        layer = attention.LocalAttention2d(8, 8, 3, 2, implementation=name).to(DEVICE)
        layer(maps.clone().requires_grad_()).sum().backward()
        getattr(local, name)(*(part[:, None] for part in (maps, maps, maps)), random(1, 1, 9, 1, 1), 3, 1)
    attention.LocalRelation2d(8, 3, 4).to(DEVICE)(maps).sum().backward()
    for similarity in attention.SIMILARITIES:
        block = attention.SelfAttention2d(8, reduction=2, similarity=similarity, pool_keys=True).to(DEVICE)
        with attention_recorded(block), attention.silenced(block, [(0, 0)]):
            block(maps).sum().backward()
    attention.StochasticDepth(0.5).to(DEVICE)(tokens)
    throughput.Attention()(tokens), throughput.Square()(random(3, 3))
    throughput.achieved_flops(at(torch.tensor([4])), random(1, 3))


SHAPES = make_shapes(48, seed=0)  # of one object each, 3 × 32 × 32
TINY = models.ViTConfig(32, 16, 3, dim=8, layers=1, heads=1, mlp_dim=8, classes=8)
FEW = Recipe(epochs=1, batch_size=12, learning_rate=1e-3)
RECIPES = {
    "plain": FEW,
    "light": replace(FEW, augment=augment.vary_light),
    "erased": replace(FEW, augment=augment.shift_flip_erase),
    "CIFAR": replace(FEW, augment=partial(varied, pixels=2, number=1, magnitude=9, probability=0.5)),
    "RandAugment": replace(FEW, augment=rand_augment.RandAugment()),
    "RandAugment, each once": replace(FEW, augment=rand_augment.RandAugment(replacement=False)),
    "average": replace(FEW, ema=0.9),
    "Muon": replace(FEW, optimiser="muon"),
}


def taught(kind: str, **more: Any) -> Callable[..., Any]:
    return distill.distilling(build(TINY, 1), kind, **more)


LOSSES: dict[str, Callable[[], Any]] = {
    "MixUp": lambda: regularise.mixup_loss(0.3, 8, 0.1),
    "MixUp, each its own": lambda: regularise.mixup_loss(0.3, 8, each_its_own=True),
    "soft distillation": lambda: taught("soft", unlabelled=SHAPES.images),
    "hard distillation": lambda: taught("hard"),
    "frozen norms": lambda: fine_tune.frozen_normalisation,
}


def examples(count: int = 36) -> Examples:
    return Examples(SHAPES.images[:count], SHAPES.labels[:count])


def trained(recipe: Recipe, loss: Any = None, count: int = 36) -> None:
    fit(build(TINY, 0), examples(count), None, recipe, loss=loss, quiet=True)


def two_heads(count: int = 36) -> None:
    config = models.DistilledViTConfig(**vars(TINY))
    fit(build(config, 0), examples(count), None, FEW, loss=taught("token"), quiet=True)


def on_pixels(causal: bool, count: int = 36) -> None:
    model = build(models.PixelTransformerConfig(4, 1, 4, 8, 1, 1, mlp_dim=8, causal=causal), 0)
    images = SHAPES.images[:count, :1, ::8, ::8].contiguous()
    pretrain.pretrain(model, images, FEW, quiet=True)


def image_text() -> models.ImageText:
    return build(replace(runs_captions.CONFIG, dim=8, widths=(4, 8), text_dim=8, text_layers=1, text_heads=2), 0)


def on_captions(hardening: Hardening, count: int = 36) -> None:
    model, numbers = image_text(), caption_numbers(SHAPES)[:count]
    train_pairs(model, SHAPES.images[:count], numbers, model.tokenise(CAPTIONS), FEW, hardening=hardening, quiet=True)


# Each trains on that many images; what makes a GPU wait in every step of it, and why that is so.
TRAININGS: dict[str, tuple[Callable[[int], None], dict[str, int], str]] = {
    **{name: (lambda n, recipe=recipe: trained(recipe, None, n), {}, "") for name, recipe in RECIPES.items()},
    **{
        name: (
            lambda n, name=name: trained(RECIPES[name], None, n),
            {"copied to the CPU": 1},
            "Python calls the transforms, so it must know which images get which",
        )
        for name in ("CIFAR", "RandAugment", "RandAugment, each once")
    },
    **{name: (lambda n, make=make: trained(FEW, make(), n), {}, "") for name, make in LOSSES.items()},
    "two heads": (two_heads, {}, ""),
    "next pixels": (partial(on_pixels, True), {}, ""),
    "hidden pixels": (
        partial(on_pixels, False),
        {"places are counted": 3},
        "the exercise's loss picks the hidden pixels, and their number is random",
    ),
    "captions": (partial(on_captions, Hardening()), {}, ""),
    "captions under attack": (partial(on_captions, Hardening(0.01, 1, 0.1)), {}, ""),
}


def waits(name: str, reads: Counter[str]) -> dict[str, int]:
    """What each step of a training waits for: of two runs, one is longer by two steps."""
    train, _, _ = TRAININGS[name]
    counted = []
    for count in (24, 48):
        before = Counter(reads)
        train(count)
        counted.append(reads - before)
    few, many = counted
    return {what: (many[what] - few[what]) / 2 for what in many if many[what] != few[what]}


@scenario
def evaluation_and_a_whole_training():
    fit(build(TINY, 0), examples(), examples(), replace(FEW, epochs=2, ema=0.9), quiet=True)
    evaluate(build(TINY, 0).to(DEVICE), at(examples()))
    with TemporaryDirectory() as folder:
        model = build(TINY, 0).to(DEVICE)
        loss = taught("soft", unlabelled=at(SHAPES.images))
        fit(model, at(examples(37)), at(examples()), FEW, loss=loss, folder=folder, quiet=True)
        fit(model, at(examples(37)), None, FEW, quiet=True)
        save_weights(model, Path(folder) / "w.safetensors")
        load_weights(model.to(DEVICE), Path(folder) / "w.safetensors")
    images = at(SHAPES.images)
    pixels = models.PixelTransformerConfig(4, 1, 4, 8, 1, 1, mlp_dim=8, causal=False)
    pretrain.pretrain(build(pixels, 0), images[:24, :1, ::8, ::8].contiguous(), FEW, quiet=True)
    model, numbers = image_text().to(DEVICE), at(caption_numbers(SHAPES))
    captions = model.tokenise(CAPTIONS)
    train_pairs(model, images, numbers, captions, FEW, quiet=True)
    pairing = Pairing(captions, Hardening(), True, contrastive_loss)
    fit(model, Examples(images, numbers), Examples(images, numbers), FEW, task=pairing, quiet=True)


@scenario
def conversion():
    from torchvision.models import VisionTransformer

    theirs = VisionTransformer(16, 8, 1, 2, 16, 16, num_classes=4).to(DEVICE)
    assert from_torchvision(theirs).head.weight.device == DEVICE
    sizes = {"img_size": 16, "patch_size": 8, "embed_dim": 16, "depth": 1, "num_heads": 2, "num_classes": 4}
    theirs = timm.models.VisionTransformer(**sizes, reg_tokens=2, no_embed_class=True, init_values=0.1).to(DEVICE)
    ours = from_timm(theirs)
    images = Pretrained(ours, (), "", True, (0.5,) * 3, (0.5,) * 3).prepared(random(1, 3, 8, 24))
    with ours.any_size():
        ours(images)
    ours.resized(24)(random(1, 3, 24, 24))


@scenario
def pixels_and_captions():
    images = at(SHAPES.images[:4, :1, ::8, ::8].contiguous())
    for causal in (True, False):
        model = build(models.PixelTransformerConfig(4, 1, 4, 8, 1, 1, mlp_dim=8, causal=causal), 0).to(DEVICE).eval()
        tokens = model.encode(images)
        palette.paint(tokens, model.palette)
        model.features(images)
        if causal:
            model.complete(tokens[:2, :7])
    palette.learn_palette(images, 4)
    captioned, numbers = image_text().to(DEVICE).eval(), at(caption_numbers(SHAPES))
    field_numbers(numbers, "colour")
    for noise in (0.0, 0.1):
        runs_captions.ranks_of(captioned, at(SHAPES.images), numbers, noise)
    for whole in (True, False):
        nb10_captions.zero_shot(captioned, at(SHAPES.images), "colour", whole)
    embedded = captioned.embed_captions(captioned.tokenise(CAPTIONS)).detach()
    wanted = nb10_attacks.other_captions(numbers)
    for strength, noise in (("weak", 0.0), ("strong", 0.1)):
        loss = nb10_attacks.objective(captioned, embedded, wanted[:4], strength, noise)
        attack.attack(loss, at(SHAPES.images[:4]), 0.1, steps=1, restarts=2)
        nb10_attacks.answers(captioned, embedded, at(SHAPES.images[:2]), noise)


@scenario
def few_shot_learning():
    teacher = build(small_resnet(8), 0).to(DEVICE).eval()
    images, labels = at(SHAPES.images[:36]), at(torch.arange(36) % 3)
    episode = episodes.draw_episode(labels, episodes.EpisodeConfig(3, 2, 4))
    assert {part.device for part in vars(episode).values()} == {DEVICE}
    features = fine_tune.features_of(teacher, images)
    centres = episodes.checked_prototypes(features, labels, 3)
    episodes.prototype_head(centres)(features), episodes.fit_head(features, labels, 3, steps=2)(features)
    nb09_imagenet_to_cifar.episode_accuracies(features, labels, episodes.EpisodeConfig(3, 2, 4), 1)
    for method in ("all weights", "LoRA"):
        chosen = next(value for name, value in TRAINED.items() if name.startswith(method))
        fine_tune.adapt(replace(chosen, steps=1), teacher, images[:6], labels[:6], 3)
    fine_tune.adapt(fine_tune.Method("all", 1, unit_logits=True), teacher, images[:6], labels[:6], 3)
    small = lora.add_lora(nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(1800, 2)).to(DEVICE))
    small(images).sum().backward()
    lora.merge_lora(small)(images)


@scenario
def trained_networks_as_encoders():
    tiny = timm.create_model("test_efficientnet", num_classes=4).to(DEVICE).eval()
    encoder = Encoder(Pretrained(tiny, (), "", True, (0.5,) * 3, (0.5,) * 3), 32)
    few = LabelledImages(at(SHAPES.images[:20]), at(torch.arange(20) % 10), tuple("abcdefghij"), "made", "made")
    with pytest.MonkeyPatch.context() as patched:
        for module in (nb07_imagenet_teacher, nb09_imagenet_to_cifar, nb09_imagenet_tuning):
            patched.setattr(module, "imagenet_cnn", lambda: Remembering(encoder))
        nb07_imagenet_teacher.imagenet_teacher(few, quiet=True)(few.images)
        nb09_imagenet_to_cifar.features(nb09_imagenet_to_cifar.CNN, few.images, quiet=True)
        enough = few.select(torch.arange(200) % 20)  # of each class, for an episode
        nb09_imagenet_tuning.accuracy_of(fine_tune.Method("all", 1, fit_head_first=True), enough, 0)
    vit = build(models.ViTConfig(16, 8, 3, dim=8, layers=2, heads=1, mlp_dim=8), 0).to(DEVICE)
    every = nb04_layers.features(vit, encoder.found, few.images, 16, quiet=True)
    layers.nearest_neighbour_accuracy(every[:, 0, 0], few.labels)


@scenario
def robustness_and_probes():
    model = build(TINY, 0).to(DEVICE).eval()
    images, labels = at(SHAPES.images[:4]), at(SHAPES.labels[:4])
    smoothing.certify(lambda seen: model(seen).argmax(1), images[0], 0.1, 8, choose=4, samples=8)
    smoothing.votes(lambda seen: model(seen).argmax(1), images[0], 0.1, 8, 8, torch.Generator(DEVICE))
    maps = model.attention_maps(images)
    probes.attention_distance(maps[0], probes.grid_distances(2, 2, 16))
    probes.shuffle_patches(images, 16, torch.arange(4).flip(0))
    probes.accuracy_under_shifts(model, images, labels, [0, 2])
    costs.count_flops(model, images)
    roofline.work_of(model, images)
    nb04_explanation.compare(model, images, labels)
    similarities(random(2, 4), random(3, 4), 0.1)
    retrieval_ranks(random(2, 3), at(torch.tensor([0, 1])))
    orthogonalised(random(4, 3))


@scenario
def deployment():
    for symmetric in (False, True):
        quantise.quantise_weight(random(4, 3, 2), per_channel=symmetric, symmetric=symmetric)
    read = OnnxModel.__new__(OnnxModel)
    read.path, read.input = (
        Path("made.onnx"),
        SimpleNamespace(shape=["batch", 3, 4, 4], type="tensor(float)", name=""),
    )
    read.session = SimpleNamespace(run=lambda _, given: [next(iter(given.values())).reshape(len(given[""]), -1)])
    logits = read(random(2, 3, 4, 4))
    agreement(logits, logits)


@scenario
def sets_of_images():
    held = LabelledImages(at(SHAPES.images), at(SHAPES.labels), tuple("abcdefgh"), "made", "made")
    few_shot_data.as_rgb_32(held), few_shot_data.placed_anywhere(held, 8)
    few_shot_data.joined(few_shot_data.only(held, (1, 3)), held)
    at(SHAPES).select(torch.arange(3))
    nb09_few_shot.clothes("ten clothes", held)
    own_images.described("shapes", splits.drawn(held, 2, seed=0))
    own_images.check_teacher(Path("of a teacher without a description"), held)
    clear = random(4, 5, 6)
    pixels.on_white(pixels.covered(pixels.in_range(clear, "The image"), (3, 3)))
    rand_augment.variations(at(SHAPES.images[:2]), 1, [3], 2)
    for name in ("flip", "shift", "erase", "shift_and_flip"):
        getattr(augment, name)(at(SHAPES.images), torch.Generator(DEVICE))


@scenario
def sweeps():
    clothes = LabelledImages(random(64, 1, 28, 28), at(torch.arange(64) % 10), tuple("abcdefghij"), "made", "made")
    nb02_twins.train_twin("LR-Net", 0, clothes, clothes, quiet=True)
    tiny = random(64, 1, 7, 7)
    reader = nb03_pixel_layers.model_of("next pixel", "fashion_mnist", 0, tiny).to(DEVICE)
    small = LabelledImages(tiny, clothes.labels, clothes.classes, "made", "made")
    nb03_pixel_layers.probe_layers(reader, small, small)
    nb06_augreg.train_augreg("tiny", 0.1, "heavy", 0, clothes, 1, quiet=True)
    nb06_regularisers.measure("all", 1, 0, clothes, clothes)
    nb05_data_size.train_one(build(nb05_data_size.PAIR["ViT"], 0), clothes, 1, 1e-3, 0, quiet=True)
    nb05_crossing.shuffle_pixels(clothes.images, *at(nb05_crossing.orders(0)))
    fresh = nb05_crossing.FreshImages(nb05_crossing.marks_anywhere)
    fit(build(nb05_data_size.PAIR["ViT"], 0), 4, None, Recipe(epochs=1, batch_size=4), task=fresh, quiet=True)
    cnn = build(nb07_distillation.TEACHERS["CNN"], 0).to(DEVICE).eval()
    for lesson in nb07_softness.METHODS.values():
        nb07_softness.softened(lesson(cnn, clothes, 0)(clothes.images, clothes.labels))
    nb07_curves.mean_confidence(cnn, clothes.images)


# ---- what must be reached, and how -----------------------------------------------------------------------------------

# What is not run on the device, or returns something on the CPU, with the reason.
ELSEWHERE = {
    "experiments.nb10_captions.train_variant": "it makes its own images; the tensor among its arguments is a loss's",
    "training.inputs.tried": "it returns what the model returned, on the model's device",
    "training.task.Task.judge": "for tasks of one's own; those here have another",
    "experiments.nb10_attacks.attacked": "it attacks the shipped model, which stays on the CPU",
    "models.resnet.Residual.residual": "abstract",
    "training.task.Task.step": "abstract",
    "deployment.export.export_onnx": "PyTorch's exporter traces on the device of the model and writes a file",
    "deployment.export.quantise_static": "ONNX Runtime calibrates on the CPU",
    "deployment.latency.latencies": "PyTorch's inference mode knows no tensors like these; it only times what it gets",
}


def public(module: ModuleType) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The functions and methods that a module defines, with their names."""
    for name, made in vars(module).items():
        if name.startswith("_") or getattr(made, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(made):
            yield f"{module.__name__}.{name}", inspect.unwrap(made)
        elif inspect.isclass(made):
            for own, method in vars(made).items():
                function = getattr(method, "__func__", method)
                if inspect.isfunction(function) and (not own.startswith("_") or own == "__call__"):
                    yield f"{module.__name__}.{name}.{own}", inspect.unwrap(function)


def takes_tensors(function: Callable[..., Any]) -> bool:
    hints = {name: str(hint) for name, hint in inspect.get_annotations(function).items() if name != "return"}
    return any("Tensor" in hint or "Labelled" in hint or "Examples" in hint for hint in hints.values())


def watched() -> dict[CodeType, str]:
    found = {}
    for package in PACKAGES:
        top = importlib.import_module(f"course_utils.{package}")
        inside = pkgutil.walk_packages(getattr(top, "__path__", ()), f"{top.__name__}.")
        for module in (top, *(importlib.import_module(each.name) for each in inside)):
            for name, function in public(module):
                if takes_tensors(function):
                    found[function.__code__] = name.removeprefix("course_utils.")
    return found


def tensors(value: Any, depth: int = 3) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif depth and isinstance(value, dict):
        for part in value.values():
            yield from tensors(part, depth - 1)
    elif depth and isinstance(value, (list, tuple)):
        for part in value[:4]:
            yield from tensors(part, depth - 1)
    elif depth and is_dataclass(value) and not isinstance(value, type):
        yield from tensors(vars(value), depth - 1)


@pytest.fixture(scope="module")
def ran() -> SimpleNamespace:
    """Every scenario, once; the functions that got a tensor on the device, and those that returned one elsewhere."""
    codes = watched()
    found = SimpleNamespace(names=set(codes.values()), reached=set(), returned={}, failed={}, waits={})

    def called(frame: Any, event: str, value: Any) -> Any:
        name = codes.get(frame.f_code)
        if name is None or not any(isinstance(each, Elsewhere) for each in tensors(dict(frame.f_locals))):
            return None
        found.reached.add(name)
        frame.f_trace_lines = False
        return returned

    def returned(frame: Any, event: str, value: Any) -> Any:
        left = [tuple(each.shape) for each in tensors(value) if not isinstance(each, Elsewhere)]
        if event == "return" and left:
            found.returned.setdefault(codes[frame.f_code], left)
        return returned

    importlib.import_module("torch._dynamo")  # which optimisers import anyway: not while every call is watched
    with Machine() as machine:
        sys.settrace(called)
        try:
            for name, run in SCENARIOS.items():
                torch.manual_seed(0)
                try:
                    run()
                except Exception as error:
                    found.failed[name] = error
            for name in TRAININGS:
                try:
                    found.waits[name] = waits(name, machine.reads)
                except Exception as error:
                    found.failed[name] = error
        finally:
            sys.settrace(None)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SCENARIOS, *TRAININGS])
def test_it_runs_on_the_device_and_leaves_nothing_behind(name, ran):
    if name in ran.failed:
        raise ran.failed[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(watched().values()))
def test_every_function_with_a_tensor_was_run_there(name, ran):
    if name in ELSEWHERE:
        return
    assert name in ran.reached, (
        f"{name} takes a tensor, but no scenario of {Path(__file__).name} passes it one on the device: add it to one, "
        "or to ELSEWHERE with the reason."
    )
    assert name not in ran.returned, f"{name} returns a tensor on the CPU of shape {ran.returned[name][0]}"


def test_what_is_left_out_still_exists():
    assert set(ELSEWHERE) <= set(watched().values())
    assert set(ELSEWHERE.values()) - {""} == set(ELSEWHERE.values())


@pytest.mark.slow
@pytest.mark.skipif(Version(torch.__version__) < Version("2.14"), reason="with 2.11, places are counted as well")
@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_step_makes_a_gpu_wait_only_for_the_reason_given(name, ran):
    _, expected, reason = TRAININGS[name]
    assert bool(reason) == bool(expected)
    assert ran.waits[name] == expected
