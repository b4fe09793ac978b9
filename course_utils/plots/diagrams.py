"""Block diagrams as SVG: boxes on a grid, arrows between them, a text alternative. Notebooks 00, 01, 04, 07 and 08."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

WIDTH, HEIGHT, LINE = 150, 56, 15  # pixels: a column, a row, a line of text


@dataclass(frozen=True)
class Box:
    """A box in the middle of a grid cell; row and column count from zero and may be fractions. Lines of text by \\n.

    A text of one character is drawn in a circle, for a sum or a product.
    """

    column: float
    row: float
    text: str

    @property
    def centre(self) -> tuple[float, float]:
        """In pixels, x to the right and y down."""
        return (self.column + 0.5) * WIDTH, (self.row + 0.5) * HEIGHT

    @property
    def reach(self) -> tuple[float, float]:
        """From the centre to the edges, in pixels."""
        return (11, 11) if len(self.text) == 1 else (WIDTH / 2 - 8, 20)

    def svg(self) -> str:
        (x, y), (across, down) = self.centre, self.reach
        lines = self.text.split("\n")
        first = y + 4.5 - LINE / 2 * (len(lines) - 1)
        words = "".join(
            f'<tspan x="{x}" y="{first + LINE * n}">{escape(line)}</tspan>' for n, line in enumerate(lines)
        )
        size = f'width="{2 * across}" height="{2 * down}" rx="{11 if len(self.text) == 1 else 6}"'
        return f'<rect x="{x - across}" y="{y - down}" {size}/><text class="afv-words">{words}</text>'


@dataclass(frozen=True)
class Arrow:
    """From one box to another, straight, or bent at two corners on the line x = via (in columns).

    It leaves the start and enters the end through the sides that face each other, or that face via.
    """

    start: str
    end: str
    via: float | None = None

    def svg(self, boxes: Mapping[str, Box]) -> str:
        start, end = boxes[self.start], boxes[self.end]
        (x, y), (to_x, to_y) = start.centre, end.centre
        if self.via is not None:
            bend = self.via * WIDTH
            x += start.reach[0] * (1 if bend > x else -1)
            to_x += end.reach[0] * (1 if bend > to_x else -1)
            y += 6 if len(start.text) == 1 else 0  # below what may arrive at the circle from the same side
            path = f"M{x},{y}H{bend}V{to_y}H{to_x}"
        elif start.row == end.row:
            right = 1 if to_x > x else -1
            path = f"M{x + right * start.reach[0]},{y}H{to_x - right * end.reach[0]}"
        else:
            path = f"M{x},{y + start.reach[1]}L{to_x},{to_y - end.reach[1]}"
        return f'<path d="{path}" marker-end="url(#afv-tip)"/>'


@dataclass(frozen=True)
class Diagram:
    """Shows itself in a notebook, in the colour of the text around it; alternative is read to those who cannot see."""

    alternative: str
    boxes: Mapping[str, Box]
    arrows: Sequence[Arrow]

    def _repr_html_(self) -> str:
        bends = [arrow.via + 0.1 for arrow in self.arrows if arrow.via is not None]
        wide = WIDTH * max(*(box.column + 1 for box in self.boxes.values()), *bends)
        high = HEIGHT * (max(box.row for box in self.boxes.values()) + 1)
        drawn = [arrow.svg(self.boxes) for arrow in self.arrows] + [box.svg() for box in self.boxes.values()]
        tip = (
            '<marker id="afv-tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        )
        return (
            f'<svg role="img" aria-label="{escape(self.alternative)}" viewBox="0 0 {wide} {high}" '
            f'style="width:100%;max-width:{wide}px;font:12px sans-serif" '
            'xmlns="http://www.w3.org/2000/svg" fill="none" stroke="currentColor">'
            "<style>.afv-words{fill:currentColor;stroke:none;text-anchor:middle}</style>"
            f'<defs>{tip}<path d="M0,0L8,4L0,8z" fill="currentColor" stroke="none"/></marker></defs>'
            f"{''.join(drawn)}</svg>"
        )


def along(*chains: Sequence[str]) -> list[Arrow]:
    """The arrows from each box of a chain to the next."""
    return [Arrow(*pair) for chain in chains for pair in pairwise(chain)]


def encoder_decoder() -> Diagram:
    """The encoder block and the decoder block with shapes, norms first. Vaswani et al. 2017, figure 1; notebook 00."""
    boxes = {
        "read": Box(0.25, 0, "m tokens to read"),
        "read embedded": Box(0.25, 1, "embedding + position\nm × D"),
        "self": Box(0.25, 2, "norm, self-attention\nm × D"),
        "sum 1": Box(0.25, 3, "+"),
        "mlp": Box(0.25, 4, "norm, MLP\nm × D"),
        "sum 2": Box(0.25, 5, "+"),
        "memory": Box(1.4, 5, "memory\nm × D"),
        "written": Box(2.6, 0, "n tokens written"),
        "written embedded": Box(2.6, 1, "embedding + position\nn × D"),
        "masked": Box(2.6, 2, "norm, masked\nself-attention, n × D"),
        "sum 3": Box(2.6, 3, "+"),
        "cross": Box(2.6, 4, "norm, cross-\nattention, n × D"),
        "sum 4": Box(2.6, 5, "+"),
        "mlp 2": Box(2.6, 6, "norm, MLP\nn × D"),
        "sum 5": Box(2.6, 7, "+"),
        "head": Box(2.6, 8, "norm, linear: logits\nn × classes"),
    }
    chains = (
        ["read", "read embedded", "self", "sum 1", "mlp", "sum 2", "memory"],
        ["written", "written embedded", "masked", "sum 3", "cross", "sum 4", "mlp 2", "sum 5", "head"],
    )
    arrows = along(*chains)
    arrows += [Arrow("read embedded", "sum 1", via=0.1), Arrow("sum 1", "sum 2", via=0.1)]
    arrows += [Arrow("written embedded", "sum 3", via=3.72), Arrow("sum 3", "sum 4", via=3.72)]
    arrows += [Arrow("sum 4", "sum 5", via=3.72), Arrow("memory", "cross", via=2.47)]
    return Diagram(
        "Two columns of boxes. Encoder, left: m tokens to read; embedding plus position, m × D; norm and "
        "self-attention, added to its input; norm and MLP, added to its input; the result is the memory, m × D. "
        "Decoder, right: n tokens written; embedding plus position, n × D; norm and masked self-attention, added; "
        "norm and cross-attention, which also reads the memory, added; norm and MLP, added; norm and a linear layer "
        "give logits, n × classes.",
        boxes,
        arrows,
    )


def attention_block() -> Diagram:
    """Self-attention in a CNN, for one head, with shapes. Zhang et al. 2019, figure 2; notebook 01."""
    boxes = {
        "x": Box(1.4, 0, "feature map x\nC × H × W"),
        "query": Box(0.4, 1, "query: 1 × 1 conv\nHW × d"),
        "key": Box(1.4, 1, "key: 1 × 1 conv\nd × HW, transposed"),
        "value": Box(2.4, 1, "value: 1 × 1 conv\nHW × d"),
        "scores": Box(0.9, 2, "×"),
        "softmax": Box(0.9, 3, "softmax of each row\nHW × HW"),
        "mix": Box(1.65, 4, "×"),
        "out": Box(1.65, 5, "1 × 1 conv\nC × H × W"),
        "gate": Box(1.65, 6, "times the gate γ\nC × H × W"),
        "sum": Box(1.65, 7, "+"),
        "result": Box(1.65, 8, "x + γ · update\nC × H × W"),
    }
    arrows = along(["x", "query", "scores", "softmax", "mix", "out", "gate", "sum", "result"], ["x", "key", "scores"])
    return Diagram(
        "From top to bottom. A feature map x, C × H × W, goes through three 1 × 1 convolutions: query, HW × d; key, "
        "transposed to d × HW; value, HW × d. Query times key, and a softmax of each row, give weights, HW × HW. "
        "Weights times value are mixed values, HW × d; a 1 × 1 convolution leads back to C × H × W; the gate γ "
        "multiplies it, and x, which went past all this, is added.",
        boxes,
        [*arrows, *along(["x", "value", "mix"]), Arrow("x", "sum", via=3.52)],
    )


def vit() -> Diagram:
    """ViT-Base with patches of 16 × 16 pixels, with shapes. Dosovitskiy et al. 2021, figure 1; notebook 04."""
    boxes = {
        "image": Box(1, 0, "image\n3 × 224 × 224"),
        "patches": Box(1, 1, "14 · 14 patches\n196 × (3 · 16 · 16)"),
        "projected": Box(1, 2, "linear projection\n196 × D"),
        "class token": Box(0, 3, "class token\n1 × D"),
        "joined": Box(1, 3, "put in front\n197 × D"),
        "positions": Box(2, 4, "positions\n197 × D"),
        "sum": Box(1, 4, "+"),
        "blocks": Box(1, 5, "12 encoder blocks\n197 × D"),
        "answer": Box(1, 6, "class token, norm\n1 × D"),
        "head": Box(1, 7, "linear head: logits\n1000"),
    }
    chain = ["image", "patches", "projected", "joined", "sum", "blocks", "answer", "head"]
    arrows = along(chain)
    return Diagram(
        "From top to bottom. An image, 3 × 224 × 224, is cut into 14 · 14 patches, 196 × (3 · 16 · 16), and projected "
        "linearly to 196 × D. The class token, 1 × D, is put in front: 197 × D. Positions, 197 × D, are added. Twelve "
        "encoder blocks keep the shape. The class token alone, 1 × D, is normalised, and a linear head gives 1000 "
        "logits.",
        boxes,
        [*arrows, Arrow("class token", "joined"), Arrow("positions", "sum")],
    )


def deit() -> Diagram:
    """A ViT with a distillation token, its two heads and their targets. Touvron et al. 2021, figure 2; notebook 07."""
    boxes = {
        "image": Box(1, 0, "image\n3 × H × W"),
        "class token": Box(0, 1, "class token\n1 × D"),
        "patches": Box(1, 1, "projected patches\nn × D"),
        "teacher token": Box(2, 1, "distillation token\n1 × D"),
        "blocks": Box(1, 2, "transformer blocks\n(n + 2) × D"),
        "class head": Box(0, 3, "class head\nclasses"),
        "teacher head": Box(2, 3, "distillation head\nclasses"),
        "label": Box(0, 4, "cross entropy with\nthe smoothed label"),
        "word": Box(2, 4, "cross entropy with\nthe teacher's label"),
        "loss": Box(1, 5, "loss: half of each"),
        "teacher": Box(3.1, 0, "teacher, frozen\nclasses"),
        "argmax": Box(3.1, 4, "its most likely class\none label"),
    }
    arrows = along(
        ["image", "patches", "blocks", "class head", "label", "loss"],
        ["class token", "blocks", "teacher head", "word", "loss"],
        ["teacher token", "blocks"],
        ["image", "teacher", "argmax", "word"],
    )
    return Diagram(
        "From top to bottom. An image, 3 × H × W, becomes projected patches, n × D. A class token and a distillation "
        "token, 1 × D each, join them, and all pass through the transformer blocks as (n + 2) × D. The class token "
        "goes to the class head, and a cross entropy with the smoothed label; the distillation token goes to the "
        "distillation head, and a cross entropy with the teacher's label, the most likely class of a frozen teacher "
        "that sees the same image. The loss is half of each.",
        boxes,
        arrows,
    )


def swin() -> Diagram:
    """Swin-T with shapes: its stages, left, and two successive blocks, right.
    Liu et al. 2021, figure 3; notebook 08.
    """
    boxes = {
        "image": Box(0.25, 0, "image\n224 × 224 × 3"),
        "patches": Box(0.25, 1, "4 × 4 patches, linear\n56 × 56 × 96"),
        "stage 1": Box(0.25, 2, "stage 1: 2 blocks\n56 × 56 × 96"),
        "stage 2": Box(0.25, 3, "merge 2 × 2, 2 blocks\n28 × 28 × 192"),
        "stage 3": Box(0.25, 4, "merge 2 × 2, 6 blocks\n14 × 14 × 384"),
        "stage 4": Box(0.25, 5, "merge 2 × 2, 2 blocks\n7 × 7 × 768"),
        "mean": Box(0.25, 6, "norm, mean of tokens\n768"),
        "head": Box(0.25, 7, "linear: logits\n1000"),
        "map": Box(2.1, 0, "map\nH × W × C"),
        "fixed": Box(2.1, 1, "norm, attention\nin windows"),
        "sum 1": Box(2.1, 2, "+"),
        "mlp 1": Box(2.1, 3, "norm, MLP\nof each token"),
        "sum 2": Box(2.1, 4, "+"),
        "shifted": Box(2.1, 5, "norm, attention\nin shifted windows"),
        "sum 3": Box(2.1, 6, "+"),
        "mlp 2": Box(2.1, 7, "norm, MLP\nof each token"),
        "sum 4": Box(2.1, 8, "+"),
        "result": Box(2.1, 9, "map\nH × W × C"),
    }
    names = list(boxes)
    split = names.index("map")
    arrows = along(names[:split], names[split:])
    arrows += [Arrow(start, end, via=3.22) for start, end in pairwise(["map", "sum 1", "sum 2", "sum 3", "sum 4"])]
    return Diagram(
        "Two columns of boxes. Left, the stages of Swin-T: an image of 224 × 224 × 3; patches of 4 × 4 and a linear "
        "layer give 56 × 56 tokens of 96 features; stage 1 has 2 blocks; stages 2, 3 and 4 first merge 2 × 2 tokens "
        "and have 2, 6 and 2 blocks, at 28 × 28 × 192, 14 × 14 × 384 and 7 × 7 × 768; a norm, the mean of all tokens "
        "and a linear layer give 1000 logits. Right, two successive blocks on a map H × W × C: norm and attention in "
        "windows, added to its input; norm and MLP, added; norm and attention in shifted windows, added; norm and "
        "MLP, added.",
        boxes,
        arrows,
    )
