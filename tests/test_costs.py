import sys
from contextlib import nullcontext
from types import SimpleNamespace

import psutil
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_utils.attention import attend, attention_recorded
from course_utils.costs import (
    attention_bytes,
    count_flops,
    count_parameters,
    free_memory,
    peak_memory,
    refuse_beyond_free_memory,
)
from course_utils.models import PixelTransformer, PixelTransformerConfig, ViT, ViTConfig


def test_the_slides_memory_figures():
    assert attention_bytes(14 * 14, heads=1, layers=1) == 14**4 * 4
    assert attention_bytes(128 * 128, heads=16, layers=48) == 768 * 2**30
    assert attention_bytes(16 * 16, heads=16, layers=48) == 192 * 2**20
    assert attention_bytes(16 * 16, heads=16, layers=48, dtype=torch.bfloat16, batch=3) == 3 * 96 * 2**20
    with pytest.raises(ValueError, match="heads is 0, but must be at least 1"):
        attention_bytes(4, heads=0, layers=1)
    with pytest.raises(ValueError, match=r"dtype is 'float16', but must be a torch.dtype, such as torch.float16"):
        attention_bytes(4, 1, 1, "float16")
    with pytest.raises(ValueError, match="tokens is 'four', but must be a whole number"):
        attention_bytes("four", 1, 1)


def test_predicted_attention_memory_is_what_the_maps_of_a_model_occupy():
    model = ViT(ViTConfig(image_size=32, patch_size=4, dim=32, layers=3, heads=4, mlp_dim=64, classes=5))
    maps = model.attention_maps(torch.rand(2, 3, 32, 32))
    assert sum(m.nbytes for m in maps) == attention_bytes(65, heads=4, layers=3, batch=2)


def test_shared_parameters_count_once():
    layer = nn.Linear(3, 3)
    assert count_parameters(nn.Sequential(layer, layer)) == 12


def test_flops_of_vit_b_16_are_the_published_17_6_billion_multiply_adds():
    assert count_flops(ViT.from_name("vit_b_16"), torch.rand(1, 3, 224, 224)) / 2 == pytest.approx(17.56e9, rel=1e-3)


def test_flops_do_not_depend_on_the_attention_kernel():
    class Fused(nn.Module):
        def forward(self, x):
            return F.scaled_dot_product_attention(x, x, x)

    assert count_flops(Fused(), torch.rand(1, 2, 10, 4)) == 2 * 2 * (2 * 10 * 10 * 4)


def test_pytorchs_own_encoder_costs_the_same_in_evaluation_which_takes_a_fast_path():
    layer, tokens = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), torch.rand(2, 5, 8)
    products = 4 * 8 * 8 + 2 * 8 * 16 + 2 * 5 * 8  # projections, MLP, scores and mixtures, per token
    assert count_flops(layer, tokens) == count_flops(layer.eval(), tokens) == 2 * 2 * 5 * products
    assert torch.backends.mha.get_fastpath_enabled()


class Product(nn.Module):
    def __init__(self, product):
        super().__init__()
        self.product = product

    def forward(self, *factors):
        return self.product(*factors)


@pytest.mark.parametrize(
    ("model", "shapes", "products"),
    [
        (nn.LSTM(4, 6), [(7, 2, 4)], 7 * 2 * 4 * 6 * (4 + 6)),  # four gates
        (nn.LSTM(4, 6, bias=False, bidirectional=True), [(7, 2, 4)], 2 * 7 * 2 * 4 * 6 * (4 + 6)),
        (nn.GRU(4, 6), [(7, 2, 4)], 7 * 2 * 3 * 6 * (4 + 6)),
        (nn.RNN(4, 6), [(7, 2, 4)], 7 * 2 * 6 * (4 + 6)),
        (nn.Bilinear(4, 6, 5), [(2, 3, 4), (2, 3, 6)], 6 * 5 * (4 * 6 + 6)),
        (Product(torch.mv), [(5, 4), (4,)], 5 * 4),
        (Product(torch.dot), [(4,), (4,)], 4),
        (Product(torch.addmv), [(5,), (5, 4), (4,)], 5 * 4),
        (Product(torch.addbmm), [(3, 5), (2, 3, 4), (2, 4, 5)], 2 * 3 * 4 * 5),
    ],
)
def test_no_product_counts_as_nothing(model, shapes, products):
    assert count_flops(model, *map(torch.rand, shapes)) == 2 * products


def test_counting_needs_no_batch_statistics_and_fails_without_a_trace():
    norm = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)).train()
    assert count_flops(norm, torch.rand(1, 4)) == 2 * 3 * 4  # in training, a norm cannot read a single image
    with pytest.raises(RuntimeError):
        count_flops(norm, torch.rand(1, 5))
    assert torch.backends.mha.get_fastpath_enabled()
    assert norm[1].training
    with pytest.raises(TypeError, match=r"The model is a function, but must be a torch\.nn\.Module"):
        count_flops(lambda images: images, torch.rand(1))


def test_peak_memory_counts_what_lives_at_once():
    megabyte = 2**18

    def ten_in_a_row():
        for _ in range(10):
            torch.empty(megabyte)

    assert peak_memory(ten_in_a_row) == pytest.approx(2**20, rel=0.02)
    assert peak_memory(lambda: [torch.empty(megabyte) for _ in range(10)]) == pytest.approx(10 * 2**20, rel=0.02)


def test_the_fused_kernel_never_holds_the_attention_matrix():
    query = torch.rand(1, 4, 512, 16)
    matrix = attention_bytes(512, heads=4, layers=1)
    assert peak_memory(lambda: attend(query, query, query)) > matrix
    assert peak_memory(lambda: F.scaled_dot_product_attention(query, query, query)) < matrix / 2


def test_what_does_not_fit_in_memory_is_refused_with_both_figures(monkeypatch):
    monkeypatch.setattr("course_utils.costs.free_memory", lambda device: 3 * 2**29)
    wanted = attention_bytes(128 * 128, heads=16, layers=48)
    with pytest.raises(
        MemoryError, match=r"48 layers would take 768.0 GiB, but 1.5 GiB are free: use smaller images"
    ):
        refuse_beyond_free_memory(wanted, "48 layers")
    refuse_beyond_free_memory(3 * 2**29, "exactly what is free")


def test_free_memory_is_a_part_of_this_machines():
    assert 0 < free_memory() <= psutil.virtual_memory().total
    assert free_memory("meta") == sys.maxsize


V2, V1 = (
    ("memory.max", "memory.current", "inactive_file"),
    ("limit_in_bytes", "usage_in_bytes", "total_inactive_file"),
)


@pytest.mark.parametrize(
    ("line", "groups", "left"),
    [
        ("0::/kernel", {"kernel": (V2, 5000, 3000, 700), "": (V2, "max", 9000, 0)}, 2700),
        ("0::/", {"": (V2, 5000, 3000, 0)}, 2000),  # in a container, which sees its own group as the root
        ("0::/user/kernel", {"user": (V2, 4000, 3990, 0), "user/kernel": (V2, 5000, 3000, 700)}, 10),
        ("0::/user/kernel", {"user/kernel": (V2, 3000, 4000, 0)}, 0),  # above its limit for a moment
        ("4:cpu,memory:/docker/1f", {"memory": (V1, 6000, 1000, 500)}, 5500),
        ("9:cpuset:/a\n4:memory:/b", {"memory/b": (V1, 6000, 1000, 0), "memory": (V1, 2**63 - 4096, 1000, 0)}, 5000),
        ("0::/kernel", {}, None),
        ("", {}, None),
    ],
)
def test_free_memory_is_at_most_what_the_limits_of_a_container_leave(line, groups, left, tmp_path, monkeypatch):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(f"7:pids:/x\n{line}\n")
    for group, ((limit, usage, cache), *numbers) in groups.items():
        folder = tmp_path / "sys/fs/cgroup" / group
        folder.mkdir(parents=True, exist_ok=True)
        prefix = "memory." if "memory." not in limit else ""
        (folder / f"{prefix}{limit}").write_text(f"{numbers[0]}\n")
        (folder / f"{prefix}{usage}").write_text(f"{numbers[1]}\n")
        (folder / "memory.stat").write_text(f"anon 12\n{cache} {numbers[2]}\nfile 3\n")
    monkeypatch.setattr("course_utils.costs.SYSTEM", tmp_path)
    available = psutil.virtual_memory().available
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=available))
    assert free_memory() == (available if left is None else left)


def test_naive_attention_keeps_what_the_formula_says_and_fused_attention_keeps_nothing():
    """One layer more, and the peak grows by that layer's matrices and by nothing else."""

    def peak(layers, kept):
        torch.manual_seed(0)
        config = PixelTransformerConfig(20, 1, 4, dim=16, layers=layers, heads=2, mlp_dim=16, causal=False)
        model, tokens = PixelTransformer(config).eval(), torch.zeros(1, 400, dtype=torch.long)
        with torch.no_grad(), attention_recorded(model) if kept else nullcontext():
            return peak_memory(lambda: model.logits(tokens))

    formula = attention_bytes(400, heads=2, layers=1)
    assert peak(4, True) - peak(3, True) == pytest.approx(formula, rel=0.02)
    assert abs(peak(4, False) - peak(3, False)) < 0.02 * formula
