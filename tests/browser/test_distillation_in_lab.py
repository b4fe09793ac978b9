"""The explorer of distillation in a real JupyterLab: its numbers are torch's, by pointer and keys, without a kernel."""

import pytest
import torch
from pointing import fits_a_phone, settle
from torch.nn import functional as F

from course_utils.training.distill import soft_distillation

pytestmark = pytest.mark.browser

CELLS = [
    """import torch
from course_utils import data
from course_utils.widgets import DistillationExplorer
pictures = data.load("digits", "test").select(slice(0, 3))
g = torch.Generator().manual_seed(0)
teacher, student = 3 * torch.randn(2, 3, 10, generator=g)""",
    "DistillationExplorer(pictures.images, teacher, student, pictures.labels, pictures.classes)",
]


@pytest.fixture
def page(run_cells):
    return run_cells(CELLS, ".afv-distillation")


def test_its_numbers_are_torchs_at_every_setting(page, picture, shut_down):
    from course_utils import data

    labels = data.load("digits", "test").labels[:3]
    teacher, student = 3 * torch.randn(2, 3, 10, generator=torch.Generator().manual_seed(0))
    widget = page.locator(".afv-distillation")
    fact = lambda name: widget.locator(f'[data-fact="{name}"]').inner_text()  # noqa: E731
    temperature, weight = (widget.locator("input[type=range]").nth(index) for index in (0, 1))

    def compare(which: int, tau: float, share: float) -> None:
        said = student[which : which + 1].clone().requires_grad_()
        loss = soft_distillation(said, teacher[which : which + 1], labels[which : which + 1], tau, share)
        (gradient,) = torch.autograd.grad(loss, said)
        assert float(fact("loss")) == pytest.approx(loss.item(), rel=1e-3)
        assert float(fact("gradient")) == pytest.approx(gradient.norm().item(), rel=1e-2)
        assert float(fact("labels")) == pytest.approx(
            F.cross_entropy(said, labels[which : which + 1]).item(), rel=1e-2
        )
        sure = (teacher[which] / tau).softmax(-1)
        assert float(fact("sure").removesuffix(" %")) == pytest.approx(100 * sure.max().item(), abs=0.06)
        pushed = widget.locator("tbody tr").nth(int(gradient[0].argmin())).locator("td").nth(2)
        assert pushed.inner_text() == f"+{-gradient.min():.3f}"

    compare(0, 1.0, 0.5)
    assert widget.locator('tr[data-right="true"] th').inner_text() == str(labels[0].item())
    temperature.focus()
    for _ in range(30):
        temperature.press("ArrowRight")
    weight.focus()
    for _ in range(6):
        weight.press("ArrowRight")
    settle(page)
    tau = float(widget.locator("output").first.inner_text())
    assert tau == pytest.approx(0.5 * 40 ** (41 / 60), rel=5e-3)
    compare(0, tau, 0.8)
    whole, alone = (float(part) for part in fact("softened").split("; "))
    assert whole / alone == pytest.approx(tau**2, rel=2e-2)

    shut_down(page)
    widget.locator('[data-image="2"]').click()
    settle(page)
    compare(2, tau, 0.8)
    page.wait_for_function(  # what a screen reader is told
        "(line) => line.textContent.startsWith('Temperature')", arg=widget.locator("[role=status]").element_handle()
    )
    widget.screenshot(path=picture("distillation_explorer"))

    assert fits_a_phone(widget)
