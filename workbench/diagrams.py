"""How the method works, drawn: Fig. 1(b), 3 and A1 of Liao et al. (ICLR 2025) and its two algorithms, in own words."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from workbench.colours import COLOURS

_FILLS = {"picture": "#f2f2f2", "restorer": "#cfe3f2", "critic": "#fbe3c0", "loss": "#d6efe6", "step": "#ffffff"}
_PULL = COLOURS["nothing"]
_INK = "#222222"


@dataclass(frozen=True)
class Box:
    """A box of a diagram: its centre and size, what it says, and what it is (a key of the fills)."""

    x: float
    y: float
    text: str
    kind: str = "picture"
    width: float = 2.0
    height: float = 0.8


@dataclass(frozen=True)
class Arrow:
    """From one box to another; a ``pull`` is a gradient, which flows back."""

    start: str
    end: str
    text: str = ""
    pull: bool = False
    bend: float = 0.0


def overview() -> Figure:
    """Both networks and their two losses: Fig. 1(b)."""
    boxes = {
        "xs": Box(0, 2.4, "synthetic input\n$x^s$"),
        "xr": Box(0, 0, "photograph\n$x^r$, no reference"),
        "f": Box(3, 1.2, "restorer $f$\n(kept)", "restorer", 1.8, 1.6),
        "ys": Box(6, 2.4, "restored $\\hat y^s$"),
        "yr": Box(6, 0, "restored $\\hat y^r$"),
        "res": Box(6, 3.9, "restoration loss\nagainst $y^s$", "loss"),
        "noised": Box(9.9, 3.9, "$y^s$ with noise $\\epsilon$"),
        "critic": Box(9.9, 1.2, "diffusion network\n$\\epsilon_\\theta$ (thrown away)", "critic", 2.3, 1.6),
        "dif": Box(13.2, 1.2, "diffusion loss:\nerror of the\npredicted $\\epsilon$", "loss", 2.0, 1.2),
    }
    arrows = [
        Arrow("xs", "f"), Arrow("xr", "f"), Arrow("f", "ys"), Arrow("f", "yr"), Arrow("ys", "res"),
        Arrow("ys", "critic", "condition"), Arrow("yr", "critic", "condition"), Arrow("noised", "critic"),
        Arrow("critic", "dif"), Arrow("dif", "yr", "its gradient asks for cleaner conditions", pull=True, bend=-0.35),
        Arrow("yr", "f", pull=True, bend=-0.35),
    ]  # fmt: skip
    return _diagram({"": (boxes, arrows)}, (10.5, 4.2))


def shuffle_and_swap() -> Figure:
    """The two means against the shortcut: Fig. 3."""
    shuffle = {
        "ys": Box(0, 2.2, "restored $\\hat y^s$"),
        "yr": Box(0, 0, "restored $\\hat y^r$"),
        "a": Box(3.6, 2.2, "first channels", "critic"),
        "b": Box(3.6, 0, "last channels", "critic"),
    }
    swap = {
        "xs": Box(0, 2.2, "input $x^s$"),
        "xr": Box(0, 0, "input $x^r$"),
        "wrong s": Box(4.2, 2.2, "$x^s+\\mathcal{R}^r$: wrong", "critic", 2.3),
        "wrong r": Box(4.2, 0, "$x^r+\\mathcal{R}^s$: wrong", "critic", 2.3),
        "loss": Box(8, 1.1, "error with the wrong ones\nmust be larger by $\\delta$", "loss", 2.9, 1.0),
    }
    return _diagram(
        {
            "channel shuffle: a coin decides, sample by sample": (
                shuffle,
                [
                    Arrow("ys", "a", "heads"), Arrow("yr", "b"),
                    Arrow("ys", "b", pull=True), Arrow("yr", "a", "tails", pull=True),
                ],
            ),
            "residual swap: each input takes what was done to the other": (
                swap,
                [
                    Arrow("xs", "wrong s"), Arrow("xr", "wrong r"),
                    Arrow("xs", "wrong r", "$\\mathcal{R}^s=\\hat y^s-x^s$", pull=True),
                    Arrow("xr", "wrong s", "$\\mathcal{R}^r=\\hat y^r-x^r$", pull=True),
                    Arrow("wrong s", "loss"), Arrow("wrong r", "loss"),
                ],
            ),
        },
        (11, 3),
    )  # fmt: skip


def three_spaces() -> Figure:
    """Where feature-space, pixel-space and noise-space adaptation bring two domains together: Fig. A1."""

    def part(first: str, middle: str, judge: str) -> tuple[dict[str, Box], list[Arrow]]:
        boxes = {
            "s": Box(0, 2, "source"), "r": Box(0, 0, "target"), "f": Box(2.8, 1, first, "restorer", 1.9, 1.1),
            "m": Box(6.2, 1, middle, width=3.6, height=1.1), "j": Box(9.9, 1, judge, "critic", 2.6, 1.1),
        }  # fmt: skip
        arrows = [
            Arrow("s", "f"), Arrow("r", "f"), Arrow("f", "m"), Arrow("m", "j"), Arrow("j", "f", pull=True, bend=-0.5),
        ]  # fmt: skip
        return boxes, arrows

    return _diagram(
        {
            "feature space (DANN, DSN)": part("encoder", "features of\nboth domains", "domain\nclassifier"),
            "pixel space (PixelDA, CyCADA)": part(
                "generator", "source pictures in\nthe target's style", "discriminator"
            ),
            "noise space (this method)": part("restorer", "restored pictures\nof both domains", "diffusion\nnetwork"),
        },
        (14, 2.5),
    )  # fmt: skip


def algorithms() -> Figure:
    """Training (Algorithm 1) and restoring (Algorithm 2)."""
    texts = [
        ("1  restore both:\n$\\hat y^s=f(x^s)$,  $\\hat y^r=f(x^r)$", "restorer"),
        ("2  restoration loss:\nCharbonnier of $\\hat y^s$ and $y^s$", "loss"),
        ("3  noise the clean one:\n$\\sqrt{\\bar\\alpha_t}y^s+\\sqrt{1-\\bar\\alpha_t}\\epsilon$", "picture"),
        ("4  predict $\\epsilon$ from it,\n$\\hat y^s$ and $\\hat y^r$: diffusion loss", "critic"),
        ("5  update the diffusion\nnetwork by its loss", "critic"),
        ("6  update the restorer by\nboth losses (Eq. 4)", "restorer"),
    ]
    train = {
        str(index): Box(3.6 * (index % 3), -1.8 * (index // 3), text, kind, 3.0, 1.0)
        for index, (text, kind) in enumerate(texts)
    }
    train |= {"3": _moved(train["3"], 7.2), "5": _moved(train["5"], 0)}
    steps = [Arrow(str(index), str(index + 1)) for index in range(5)]
    steps.append(Arrow("5", "0", "next batch"))
    restore = {
        "x": Box(0, 0, "photograph $x^r$"),
        "f": Box(3, 0, "restorer $f$", "restorer"),
        "y": Box(6, 0, "$\\hat y^r$"),
    }
    return _diagram(
        {
            "Algorithm 1: a step of training": (train, steps),
            "Algorithm 2: restoring, one pass": (restore, [Arrow("x", "f"), Arrow("f", "y")]),
        },
        (13, 2.9),
    )


def _moved(box: Box, x: float) -> Box:
    return Box(x, box.y, box.text, box.kind, box.width, box.height)


def _diagram(parts: dict[str, tuple[dict[str, Box], list[Arrow]]], size: tuple[float, float]) -> Figure:
    """Parts side by side, as wide as their boxes need."""
    extents = []
    for boxes, _ in parts.values():
        left = min(box.x - box.width / 2 for box in boxes.values())
        right = max(box.x + box.width / 2 for box in boxes.values())
        extents.append((left - 0.3, right + 0.3))
    figure, axes = plt.subplots(
        1, len(parts), figsize=size, squeeze=False, layout="constrained",
        width_ratios=[right - left for left, right in extents],
    )  # fmt: skip
    for axis, (title, (boxes, arrows)), (left, right) in zip(axes[0], parts.items(), extents, strict=True):
        low = min(box.y - box.height / 2 for box in boxes.values())
        high = max(box.y + box.height / 2 for box in boxes.values())
        axis.set(xlim=(left, right), ylim=(low - 0.5, high + 0.4))
        axis.set_axis_off()
        axis.set_title(title, fontsize=10)
        for arrow in arrows:
            _draw_arrow(axis, boxes[arrow.start], boxes[arrow.end], arrow)
        for box in boxes.values():
            _draw_box(axis, box)
    return figure


def _draw_box(axis: Axes, box: Box) -> None:
    corner = (box.x - box.width / 2, box.y - box.height / 2)
    axis.add_patch(
        FancyBboxPatch(
            corner, box.width, box.height, boxstyle="round,pad=0,rounding_size=0.12", facecolor=_FILLS[box.kind],
            edgecolor=_INK, linewidth=0.9, zorder=2,
        )
    )  # fmt: skip
    axis.text(box.x, box.y, box.text, ha="center", va="center", fontsize=9, color=_INK, zorder=3)


def _draw_arrow(axis: Axes, start: Box, end: Box, arrow: Arrow) -> None:
    (x0, y0), (x1, y1) = _edge(start, end), _edge(end, start)
    ink = _PULL if arrow.pull else _INK
    axis.add_patch(
        FancyArrowPatch(
            (x0, y0), (x1, y1), arrowstyle="-|>", mutation_scale=11, color=ink, linewidth=1.2,
            linestyle="--" if arrow.pull else "-", connectionstyle=f"arc3,rad={arrow.bend}", zorder=1,
        )
    )  # fmt: skip
    if arrow.text:
        share = 0.74 if arrow.pull else 0.5  # off the middle, where two of them cross
        place = (x0 + share * (x1 - x0), y0 + share * (y1 - y0))
        if arrow.bend:
            place = ((x0 + x1) / 2, min(y0, y1) - 0.85)
        axis.text(
            *place, arrow.text, fontsize=8, color=ink, ha="center", va="center", zorder=4,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.85},
        )  # fmt: skip


def _edge(box: Box, other: Box) -> tuple[float, float]:
    """Where the line from a box's middle to the other's leaves it."""
    across, down = other.x - box.x, other.y - box.y
    share = min(
        box.width / 2 / abs(across) if across else float("inf"), box.height / 2 / abs(down) if down else float("inf")
    )
    return box.x + share * across, box.y + share * down
