"""QuantisationExplorer in a real JupyterLab: its numbers are those of course_utils.deployment.quantise,
without a kernel.
"""

import pytest
from pointing import fits_a_phone, settle

from course_utils.deployment.quantise import affine_parameters, quantise_weight, symmetric_parameters
from course_utils.training import load_checkpoint

pytestmark = pytest.mark.browser

CELLS = [
    """from course_utils.training import load_checkpoint
from course_utils.widgets import QuantisationExplorer
teacher, _ = load_checkpoint("shapes-clothes-resnet")
QuantisationExplorer({"stem": teacher.stem[0].weight, "stage 2": teacher.stages[1][0].conv2.weight, \
"head": teacher.head.weight})"""
]


def test_its_numbers_are_the_courses_at_every_setting(run_cells, picture, shut_down):
    page = run_cells(CELLS, ".afv-quantisation")
    widget = page.locator(".afv-quantisation")
    teacher, _ = load_checkpoint("shapes-clothes-resnet")
    layers = [teacher.stem[0].weight, teacher.stages[1][0].conv2.weight, teacher.head.weight]
    fact = lambda name: widget.locator(f'[data-fact="{name}"]').inner_text()  # noqa: E731

    def compare(layer: int, channel: int, bits: int, per_channel: bool, symmetric: bool) -> None:
        weight = layers[layer].detach()
        rounded = quantise_weight(weight, bits, per_channel, symmetric)
        relative = lambda a, b: 100 * ((a - b).norm() / b.norm()).item()  # noqa: E731
        assert float(fact("error").removesuffix(" %")) == pytest.approx(relative(rounded, weight), abs=0.02)
        own = float(fact("own").removesuffix(" %"))
        assert own == pytest.approx(relative(rounded[channel], weight[channel]), abs=0.02)
        assert fact("used") == f"{len(rounded[channel].unique())} of {2**bits}"
        values = weight[channel] if per_channel else weight
        find = symmetric_parameters if symmetric else affine_parameters
        scale, zero = find(values.amin(), values.amax(), bits)
        assert float(fact("scale")) == pytest.approx(scale.item(), rel=1e-3)
        assert int(fact("zero").replace("−", "-")) == int(zero)

    compare(0, 0, 8, False, True)
    bits, channel = (widget.locator("input[type=range]").nth(index) for index in (0, 1))
    bits.focus()
    for _ in range(3):
        bits.press("ArrowLeft")
    channel.focus()
    for _ in range(3):
        channel.press("ArrowRight")
    settle(page)
    compare(0, 3, 5, False, True)
    per_channel, symmetric = (widget.locator("input[type=checkbox]").nth(index) for index in (0, 1))
    symmetric.uncheck()
    settle(page)
    compare(0, 3, 5, False, False)

    shut_down(page)
    per_channel.check()
    widget.locator("select").select_option("stage 2")
    settle(page)
    compare(1, 3, 5, True, False)
    channel.focus()
    channel.press("End")
    settle(page)
    compare(1, 31, 5, True, False)
    page.wait_for_function(  # what a screen reader is told
        "(line) => line.textContent.startsWith('stage 2, 5 bits, one scale per channel, affine')",
        arg=widget.locator("[role=status]").element_handle(),
    )
    widget.locator("select").select_option("head")
    bits.focus()
    bits.press("Home")
    settle(page)
    compare(2, 31, 2, True, False)  # the channel stays, as long as the layer has it
    channel.focus()
    channel.press("End")
    widget.locator("select").select_option("stem")
    settle(page)
    compare(0, len(layers[0]) - 1, 2, True, False)
    bits.focus()
    for _ in range(2):
        bits.press("ArrowRight")
    symmetric.check()
    per_channel.uncheck()
    channel.focus()
    channel.press("Home")
    for _ in range(5):
        channel.press("ArrowRight")
    settle(page)
    compare(0, 5, 4, False, True)
    widget.screenshot(path=picture("quantisation_explorer"))

    assert fits_a_phone(widget)
