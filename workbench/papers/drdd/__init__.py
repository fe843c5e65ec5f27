"""Decoupled Residual Denoising Diffusion (Lin et al., 2026): its tables, and the recipes that stand for their cells."""

from __future__ import annotations

from functools import cache

from workbench.papers.paper import Experiment, Number, Paper
from workbench.recipes import load_recipe

FOREIGN = frozenset(
    {"DA-CLIP", "DA-CLIP*", "DiffuIR", "DiffuIR*", "DiffUIR", "AdAIR", "VLUNet", "VLUNET", "VLU-NET", "DFPIR", "MISF",
     "CTSDG", "TransRef"}
)  # fmt: skip
"""Rows of networks that the workbench does not have."""
ROWS = {
    "DRDD": ("drdd", ""), "DRDD(Ours)": ("drdd", ""), "DRDD (Ours)": ("drdd", ""), "DRDD(Ours)*": ("drdd", ""),
    "DRDD w.o Denoising Network": ("drdd", "+drdd-known-noise"), "Entangled Baseline": ("entangled", ""),
    "RDDM*": ("rddm", ""), "IRSDE*": ("ir-sde", ""),
}  # fmt: skip
"""Method and variant by the paper's names."""
RIVALS = frozenset({"RDDM*", "IRSDE*"})
APART = "the paper does not tell how it trained them"
ALL_IN_ONE = frozenset({"1", "8", "C.7"})
"""Tables of one model for five tasks."""
DATA_SETS = {
    "Rain100L": ("rain100l/test", "deraining"), "Rain100H": ("rain100h/test", "deraining"),
    "GoPro": ("gopro/test", "deblurring"), "SOTS": ("sots/outdoor", "dehazing"), "LOLv1": ("lolv1/test", "low-light"),
}  # fmt: skip
"""Name in the catalogue, and what the pictures are for."""
TRAINED_ON = {
    "Rain100H": (),
    "Rain100L": ("data.source=dataset:rain100l/train", "data.validation=dataset:rain100l/test"),
}
UNSPLIT = {"2": "drdd-mnmd-paper", "6": "drdd-inpaint-paper"}
"""By table the recipe at scale paper that there is, without a test set beside it."""
METRICS = frozenset({"PSNR", "SSIM", "LPIPS", "FID", "NIQE"})
VARIANT_KEYS = ("options.drdd.stages", "options.drdd.level")


@cache
def experiment(number: Number) -> Experiment | str:
    """What a published number is about; the reason where there is nothing to run."""
    if number.table == "4":
        return "sizes of data sets; see `workbench data list`"
    if number.column == "complexity":
        return "costs of networks; see `workbench complexity`"
    if number.row in FOREIGN:
        return "its network is not among those here"
    if number.column == "Average":
        return "an average over the row"
    if number.table == "10":
        return "numbers of steps, which are options of a restorer and no run's"
    if number.metric not in METRICS:
        return f"{number.metric} is not measured here"
    if number.table == "C.9" and number.data in DATA_SETS:
        level = number.column.removeprefix("sigma = ")
        return _of("drdd-derain-paper" + (f"+drdd-level-{level}" if level != "1.0" else ""), number, "drdd")
    if number.row in ROWS and (recipe := UNSPLIT.get(number.table)):
        return f"{recipe} trains it; which pictures are held out for it the paper does not say"
    if number.row not in ROWS or number.data not in DATA_SETS:
        return "no recipe at scale paper, or no test set of the catalogue, stands for it"
    method, variant = ROWS[number.row]
    if number.table in ALL_IN_ONE:
        return _of(f"drdd-allinone5-paper{variant}", number, method)
    if number.table == "5(a)":
        return _of("drdd-derain-paper", number, method, TRAINED_ON[number.data])
    return "no recipe at scale paper stands for it"


def _of(recipe: str, number: Number, method: str, settings: tuple[str, ...] = ()) -> Experiment:
    data_set, task = DATA_SETS[number.data]
    return Experiment(
        load_recipe(recipe, settings, method=method), data_set, frozenset({"rgb"}), VARIANT_KEYS,
        apart=APART if number.row in RIVALS else "", task=task,
    )  # fmt: skip


DRDD = Paper(
    "drdd",
    "DRDD",
    "Lin et al.: Decoupled Residual Denoising Diffusion Models for Unified and Data Efficient Image-to-Image"
    " Translation, arXiv:2606.01048, 2026",
    __name__,
    {
        "1": "five restoration tasks in one model, All-in-One-5",
        "2": "denoising in three domains, MNMD",
        "3": "decoupled and coupled SDE-based diffusion",
        "4": "sizes of the data sets",
        "5(a)": "deraining alone",
        "5(b)": "denoising alone",
        "6": "inpainting, CelebA-HQ",
        "7": "edges to objects",
        "8": "ablations, All-in-One-5",
        "9": "computational cost",
        "10": "numbers of sampling steps",
        "11": "real data sets not seen in training",
        "C.7": "PSNR, All-in-One-5",
        "C.8": "smaller training sets, All-in-One-3",
        "C.9": "levels of the injected noise",
    },
    experiment,
    {
        "1": "the text calls DRDD better in all three metrics; by this table it is not in denoising LPIPS, deraining"
        " SSIM, LPIPS and FID, and dehazing SSIM",
        "9": "RDDM's rows count 4 steps, DRDD's 2 + 2",
        "C.9": "levels on the range [-1, 1]: 1.0 is a standard deviation of 127.5 in 255; the paper does not say so",
    },
)
