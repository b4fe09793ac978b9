import pytest

from course_utils.data import DataNotFound, LabelledImages, load_folder
from course_utils.experiments import NAMED
from course_utils.experiments.runs import images_of
from course_utils.experiments.runs_captions import CAPTION_RUNS
from course_utils.paths import CHECKPOINTS, ROOT
from course_utils.training import Card, evaluate, load_checkpoint

SHIPPED = sorted(path.stem for path in CHECKPOINTS.glob("*.safetensors") if path.stem not in CAPTION_RUNS)
COPIES = ROOT.parent / "shared/data"  # folders of images that some were trained on; the course does not ship them


def pictures_of(card: Card) -> LabelledImages:
    """The test images of a checkpoint. Raises DataNotFound without them."""
    _, _, data = card.command.partition(" --data ")
    if not data:
        return images_of(card.dataset, "test")
    if not (COPIES / data).exists():
        raise DataNotFound(f"{data} is not in {COPIES}.")
    return load_folder(COPIES / data, "test")


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_checkpoint_has_the_accuracy_on_its_card(name):
    model, card = load_checkpoint(name)
    try:
        pictures = pictures_of(card)
    except DataNotFound as missing:
        pytest.skip(str(missing))
    score = evaluate(model, pictures)
    assert score.count == card.test_count
    assert score.accuracy == pytest.approx(card.accuracy, abs=0.001)  # other processors round otherwise


@pytest.mark.parametrize("name", SHIPPED)
def test_the_command_on_the_card_still_makes_that_model(name):
    model, card = load_checkpoint(name)
    assert card.command.partition(" --data ")[0] == f"course train {name}"
    assert NAMED[name].config == model.config
    assert NAMED[name].recipe.seed == card.seed
