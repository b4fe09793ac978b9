"""What holds for every model that ``course_utils.models`` exports: a new one is tested here by being exported.

Each failure says what to do. CONTRIBUTING.md, "Add a model", lists the places.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType
from typing import get_args, get_type_hints

import pytest
import torch
from torch import Tensor, nn

from course_utils import models
from course_utils.attention import RecordedAttention, attention_recorded
from course_utils.bench import growth
from course_utils.models import build
from course_utils.models.convert import from_timm, from_torchvision
from course_utils.models.model import MODELS as BUILT_FROM
from course_utils.models.model import Config, Model
from course_utils.models.refusals import UnknownName, WrongShape
from course_utils.paths import ROOT
from course_utils.training import Card, load_checkpoint, save_checkpoint_card, save_weights

EXPORTED = {name: getattr(models, name) for name in models.__all__ if inspect.isclass(getattr(models, name))}
MODELS = [kind for kind in EXPORTED.values() if issubclass(kind, nn.Module)]


def own_tests(kind: type[nn.Module]) -> ModuleType:
    file = Path(__file__).with_name(f"test_{kind.__module__.rpartition('.')[2]}.py")
    assert file.exists(), f"{kind.__name__} has no tests: write {file.relative_to(ROOT)}, beginning with SMALL."
    return importlib.import_module(file.stem)


def small(kind: type[nn.Module]) -> Config:
    config = getattr(own_tests(kind), "SMALL", None)
    assert isinstance(config, Config), (
        f"{own_tests(kind).__name__}.py gives no small configuration: write SMALL = {kind.__name__}Config(…) there, "
        f'with {kind.__name__}Config a frozen dataclass, `class {kind.__name__}Config(Config["{kind.__name__}"])`.'
    )
    return config


def inputs(kind: type[nn.Module]) -> tuple[Tensor, ...]:
    """What the model's forward reads: a batch of images, or INPUTS of its test file."""
    config = small(kind)
    if hasattr(config, "channels"):
        side = getattr(config, "image_size", 16)
        return (torch.rand(2, config.channels, side, side, generator=torch.Generator().manual_seed(0)),)
    given = getattr(own_tests(kind), "INPUTS", None)
    assert given, (
        f"{type(config).__name__} has no channels: write in {own_tests(kind).__name__}.py INPUTS = (images, …)."
    )
    return given


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


CONVERTED = [
    pytest.param(convert, kind, id=f"{kind.__name__}-{convert.__name__}")
    for convert in (from_timm, from_torchvision)
    for kind in get_args(get_type_hints(convert)["return"])
]

every_model = pytest.mark.parametrize("kind", MODELS, ids=lambda kind: kind.__name__)


def subclasses(kind: type) -> set[type]:
    return {kind}.union(*map(subclasses, kind.__subclasses__()))


def test_every_model_and_configuration_is_exported():
    for module in pkgutil.iter_modules(models.__path__):
        importlib.import_module(f"{models.__name__}.{module.name}")
    defined = {kind for kind in subclasses(Model) | subclasses(Config) if kind.__module__.startswith(models.__name__)}
    missing = {kind.__name__ for kind in defined - {Model, Config}} - set(EXPORTED)
    assert not missing, f"Import {missing} in course_utils/models/__init__.py, and add them to __all__ there."


@every_model
def test_build_makes_it_from_its_configuration_and_a_seed(kind):
    config = small(kind)
    assert issubclass(kind, Model), f"Derive {kind.__name__} from course_utils.models.model.Model."
    assert type(config).__name__ in EXPORTED, (
        f"Export {type(config).__name__} in course_utils/models/__init__.py too."
    )
    assert BUILT_FROM.get(type(config)) is kind, (
        f"build does not make a {kind.__name__} from a {type(config).__name__}: write `config: "
        f"{type(config).__name__}` in the body of {kind.__name__}; that is how a model says which configuration is its "
        "own."
    )
    before = torch.get_rng_state()
    built = build(config, seed=5)
    assert built.config == config, f"{kind.__name__}.__init__ must keep its configuration as self.config."
    assert torch.equal(torch.get_rng_state(), before)
    assert same(weights(built), weights(build(config, seed=5))), f"{kind.__name__} is not made by its seed alone."
    assert not same(weights(built), weights(build(config, seed=6))), f"{kind.__name__} ignores the seed."
    for make in (build, kind):  # without a seed, from the global random numbers
        torch.manual_seed(5)
        assert same(weights(built), weights(make(config)))


@every_model
@torch.no_grad()
def test_it_prepares_its_images_by_the_mean_and_std_of_its_configuration(kind):
    config = small(kind)
    assert hasattr(config, "mean") == hasattr(config, "std"), "mean and std come together or not at all."
    if not hasattr(config, "mean"):
        return
    plain = build(replace(config, mean=0.0, std=1.0), seed=0).eval()
    for mean, std in ((0.3, 1.0), (0.0, 0.5), (0.3, 0.5)):
        logits = build(replace(config, mean=mean, std=std), seed=0).eval()(*inputs(kind))
        images, *others = inputs(kind)
        advice = (
            f"{kind.__name__} ignores mean {mean} or std {std} of its configuration: in forward, read "
            "standardised(images, c.mean, c.std) (course_utils/models/vit.py) instead of images."
        )
        assert torch.allclose(logits, plain((images - mean) / std, *others)), advice
        assert not torch.allclose(logits, plain(images, *others)), advice


@every_model
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@torch.no_grad()
def test_it_computes_in_the_type_of_its_weights(kind, dtype):
    model, read = build(small(kind), seed=0).eval(), inputs(kind)
    expected = model(*read)
    found = model.to(dtype)(*(part.to(dtype) if part.is_floating_point() else part for part in read))
    assert found.dtype == dtype, f"{kind.__name__} makes tensors of another type: give them that of its weights."
    torch.testing.assert_close(found.float(), expected, rtol=0.1, atol=0.1)


@every_model
def test_it_refuses_images_of_another_shape_in_one_sentence(kind):
    config, (images, *others) = small(kind), inputs(kind)
    wrong = [images[0], images[:, :1].repeat(1, images.shape[1] + 1, 1, 1), images[..., :0]]
    if hasattr(config, "image_size"):
        wrong += [images[..., :-1], images[..., :-1, :], torch.cat([images, images], dim=-1)]
    model = build(config, seed=0).eval()
    for each in wrong:
        error = raised_by(lambda each=each: model(each, *others))
        assert isinstance(error, WrongShape), (
            f"{kind.__name__} must raise WrongShape for images of shape {tuple(each.shape)}, but it gave {error!r}: "
            "call self.check_images(images) where forward begins."
        )
        assert str(tuple(each.shape)) in str(error)
        assert "\n" not in str(error)


def raised_by(call: Callable[[], object]) -> object:
    """The error of a call, or what it returned."""
    try:
        return call()
    except Exception as error:
        return error


@every_model
def test_its_published_sizes_can_be_built_by_name_and_no_other_name_can(kind):
    config = small(kind)
    table = getattr(importlib.import_module(kind.__module__), "PUBLISHED", {})
    assert kind.published == table, f"Write `published = PUBLISHED` in the body of {kind.__name__}."
    with torch.device("meta"):
        for name, published in table.items():
            assert type(published) is type(config), f"{name} in PUBLISHED of {kind.__module__} is not for {kind}."
            model = kind.from_name(name)
            assert type(model) is kind
            assert model.config == published
            if hasattr(config, "classes"):
                assert kind.from_name(name, classes=7).config == replace(published, classes=7)
        with pytest.raises(UnknownName):
            kind.from_name("no such size")


@every_model
@pytest.mark.parametrize("training", [True, False])
def test_its_attention_maps_are_those_of_the_forward_pass_and_looking_changes_nothing(kind, training):
    model, read = build(small(kind), seed=0).train(training), inputs(kind)
    next(part for part in model.modules() if not list(part.children())).train(not training)  # as a frozen part is
    modes, before = [part.training for part in model.modules()], weights(model)
    maps = model.attention_maps(read[-1])  # of ImageText the words attend, not the images
    assert modes == [part.training for part in model.modules()], "attention_maps changed the mode."
    assert same(before, weights(model)), "attention_maps changed weights or running means."

    attention = [part for part in model.modules() if isinstance(part, RecordedAttention)]
    assert len(maps) == len(attention), (
        f"{kind.__name__} has {len(attention)} attention layers, but attention_maps gives {len(maps)} maps: attention "
        "layers derive from RecordedAttention (course_utils/attention/recording.py) and call its record."
    )
    for each in maps:
        assert each.ndim == 4
        assert not each.requires_grad
        torch.testing.assert_close(each.sum(-1), torch.ones(each.shape[:-1]))
    model.eval()
    with torch.no_grad():
        unobserved = model(*read)
        with attention_recorded(model) if attention else nullcontext([]) as recorded:
            torch.testing.assert_close(model(*read), unobserved)
    if len(read) == 1 and kind.__name__ != "PixelTransformer":  # which shows the last pixel too, that predicts none
        assert all(torch.equal(one, other) for one, other in zip(maps, recorded, strict=True))


@every_model
def test_a_checkpoint_and_its_card_bring_it_back(kind, tmp_path):
    config = small(kind)
    model = build(config, seed=3).eval()
    sha256 = save_weights(model, tmp_path / "it.safetensors")
    card = Card("it", kind.__name__, asdict(config), "course train it", 3, "", 0.5, 1, "", "2025-01-01", sha256)
    save_checkpoint_card(card, tmp_path)
    loaded, _ = load_checkpoint("it", tmp_path)
    assert type(loaded) is kind
    assert loaded.config == config, (
        f"{type(config).__name__} does not come back from JSON, which knows numbers, text, None and lists: give its "
        "fields such values, and tuples where they are lists."
    )
    assert same(weights(loaded), weights(model))
    assert hash(loaded.config) == hash(config)


@pytest.mark.parametrize(("convert", "kind"), CONVERTED)
@torch.no_grad()
def test_a_converted_model_gives_their_logits(convert, kind):
    make = getattr(own_tests(kind), "THEIRS", {}).get(convert.__name__)
    assert make, (
        f"{convert.__name__} returns a {kind.__name__}: write in {own_tests(kind).__name__}.py THEIRS = "
        f'{{"{convert.__name__}": lambda: …}}, a function that builds a small model of theirs.'
    )
    torch.manual_seed(0)
    theirs = make()
    for value in theirs.parameters():  # so that none is zero or one, and all matter
        value += 0.1 * torch.randn_like(value)
    ours, images = convert(theirs), torch.rand(2, 3, 32, 32)
    assert type(ours) is kind
    expected, logits = (
        torch.cat(tuple(output)) if isinstance(output, tuple) else output for output in (theirs(images), ours(images))
    )
    assert expected.std() > 0.01
    assert torch.allclose(logits, expected, rtol=1e-4, atol=1e-4), (
        f"The {kind.__name__} of {convert.__name__} gives other logits than the model that it was made from: compare "
        "the names, the order of axes and the epsilons of the norms."
    )


@every_model
def test_a_student_finds_it_in_the_readme(kind):
    file = f"models/{kind.__module__.rpartition('.')[2]}.py"
    assert f"course_utils/{file}" in (ROOT / "README.md").read_text(encoding="utf-8"), (
        f'README names no notebook for {kind.__name__}: add "{file}" to the modules of its notebook in '
        "notebooks/course.toml and run `make format`, which writes README's table."
    )


def test_the_growth_of_every_models_cost_is_measured(monkeypatch):
    curves, measured = {curve.what for curve in growth.CURVES}, set()
    monkeypatch.setattr(growth, "inference", lambda model, *shape: measured.add(type(model)))
    for curve in growth.CURVES:
        curve.make(curve.sizes[0])
    for kind in MODELS:
        grows_like = getattr(own_tests(kind), "GROWS_LIKE", None)
        assert (kind in measured) == (grows_like is None), (
            f"{kind.__name__} needs a Curve in CURVES of course_utils/bench/growth.py or, where that of another model "
            f"says as much, its name as GROWS_LIKE in {own_tests(kind).__name__}.py: one of the two, not both."
        )
        assert grows_like in {None, *curves}, f"{grows_like!r} is no curve of course_utils/bench/growth.py."
