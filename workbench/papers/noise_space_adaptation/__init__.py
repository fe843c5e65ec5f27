"""Denoising as Adaptation (Liao et al., ICLR 2025): its tables, and the recipes that stand for their cells."""

from __future__ import annotations

from functools import cache

from workbench.papers.paper import Experiment, Number, Paper
from workbench.recipes import load_recipe

METHODS = {
    "Vanilla": "vanilla", "DANN": "dann", "DSN": "dsn", "PixelDA": "pixelda", "CyCADA": "cycada", "Ours": "noise-space",
    "Ours-Ex": "noise-space", "Ne2Ne": "neighbor2neighbor", "MaskedD": "masked", "NLCL": "nlcl",
    "Restormer": "vanilla", "SelfDeblur": "selfdeblur", "VDIP": "vdip", "C2N": "c2n", "AP-BSN": "ap-bsn",
}  # fmt: skip
"""The paper's names, as the methods are called here."""
RESTORERS = {"Restormer": "restormer"}
NOT_COMPARED = frozenset({"Ne2Ne", "MaskedD", "NLCL", "Restormer", "C2N"})
"""Rows of which the paper had another network (C2N and MaskedD by its Table A2), or does not tell network and training.

Runs of any restorer count, except where the row is named after one, and none is set against the paper's number.
"""
APART = "the paper had another network, or does not tell network and training"
RECIPES = {"denoising": "denoise-paper", "deraining": "derain-paper", "deblurring": "deblur-paper"}
DATA_SETS = {"SIDD": "sidd/validation", "SPA": "spa/test", "RealBlur-J": "realblur-j/test"}
ABLATIONS = {
    "(a)": "+table4-a", "(b)": "+table4-b", "(c)": "+table4-c", "(d)": "+table4-d", "(e)": "+table4-e",
    "(f) (Ours)": "", "(Only syn)": "+table4-only-syn", "(Only real)": "+table4-only-real",
}  # fmt: skip
PROTOCOLS = {
    "denoising": {
        "PSNR": {"blocks", "blocks-volume"}, "SSIM": {"blocks-volume"}, "LPIPS": {"blocks", "blocks-volume"},
    },
    "deraining": dict.fromkeys(("PSNR", "SSIM", "LPIPS"), {"y"}),
    "deblurring": dict.fromkeys(("PSNR", "SSIM", "LPIPS"), {"rgb"}),
}  # fmt: skip
VARIANT_KEYS = tuple(
    f"options.noise-space.{key}" for key in ("timesteps", "channel_shuffle", "residual_swap", "conditions", "paired")
)
RANKINGS = {"denoising": "1", "deraining": "2", "deblurring": "3"}
"""The table that ranks the methods, by task."""
COMPLEXITY_ROWS = {
    "unet-t": "Unet-T", "unet-s": "Ours", "unet-b": "Unet-B", "uformer-t": "Uformer-T", "uformer-s": "Uformer-S",
    "uformer-b": "Uformer-B", "restormer": "Restormer", "ap-bsn": "AP-BSN", "swinir-masked": "MaskedD",
    "selfdeblur": "Selfdeblur", "vdip": "VDIP",
}  # fmt: skip
"""Rows of `COMPLEXITY_TABLES` by the name that the network has here; Table A2 calls Unet-S Ours."""
COMPLEXITY_TABLES = ("A1.3", "A2")
COMPLEXITY_SAID = (
    "(paper): Liao et al., ICLR 2025, Appendix A1.3, Table A2, as printed; lines without other numbers: Table A2."
)
_PASSES = "ap-bsn: its refinement included, nine passes of the network; the paper's number is of one."
_STEPS = (
    "selfdeblur, vdip: all steps of an image's optimisation, reckoned from one step; the paper's number is of one pass."
)
_LARGER = "uformer: the paper's GMACs fit pictures of 256x256; what else its networks have it does not say."
COMPLEXITY_NOTES = {("ap-bsn",): _PASSES, ("selfdeblur", "vdip"): _STEPS, ("uformer",): _LARGER}
"""What the numbers of some networks include, here and there, by the beginnings of their names."""


@cache
def experiment(number: Number) -> Experiment | str:
    """What a published number is about; the reason where there is nothing to run."""
    if number.table in COMPLEXITY_TABLES:
        return "costs of networks; see `workbench complexity`"
    if number.table == "4":
        return _of(f"denoise-paper{ABLATIONS[number.row]}", number)
    if number.row not in METHODS:
        return "no method here stands for it"
    method = METHODS[number.row]
    if number.table == "A3":
        return _of("denoise-paper", number, method, [f"restorer={{name: {number.column.lower()}}}"])
    variant = "+unpaired-coco" if number.row == "Ours-Ex" else ""
    restorer = [f"restorer={{name: {RESTORERS[number.row]}}}"] if number.row in RESTORERS else []
    return _of(RECIPES[number.column] + variant, number, method, restorer)


def _of(recipe: str, number: Number, method: str | None = None, settings: list[str] | None = None) -> Experiment:
    loaded = load_recipe(recipe, settings or [], method=method)
    apart = number.row in NOT_COMPARED
    return Experiment(
        loaded, DATA_SETS[number.data], frozenset(PROTOCOLS[loaded.task][number.metric]), VARIANT_KEYS,
        any_restorer=apart and number.row not in RESTORERS, apart=APART if apart else "",
    )  # fmt: skip


NOISE_SPACE_ADAPTATION = Paper(
    "noise-da",
    "Noise-DA",
    "Liao, Yue, Wang, Loy: Denoising as Adaptation: Noise-Space Domain Adaptation for Image Restoration, ICLR 2025",
    __name__,
    {
        "1": "denoising, SIDD test set",
        "2": "deraining, SPA test set",
        "3": "deblurring, RealBlur-J test set",
        "4": "ablations, SIDD test set",
        "5": "a deeper restorer against self-supervised denoising, SIDD test set",
        "A1": "paired and unpaired diffusion input",
        "A1.3": "complexity of the restorers of Fig. 7, as the appendix lists them",
        "A2": "complexity of the restorers",
        "A3": "other restorers, SIDD test set",
    },
    experiment,
)


def published_costs() -> dict[str, dict[str, float]]:
    """What the paper states of networks, by row: ``parameters`` in millions and ``gmacs``."""
    keys = {"Parameter (M)": "parameters", "GMACs (G)": "gmacs"}
    rows: dict[str, dict[str, float]] = {}
    for number in NOISE_SPACE_ADAPTATION.numbers:
        if number.table in COMPLEXITY_TABLES:
            rows.setdefault(number.row, {})[keys[number.metric]] = number.value
    del rows["Unet-S"]  # which is Ours
    return rows
