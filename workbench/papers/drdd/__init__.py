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
    "RDDM": ("rddm", ""), "RDDM*": ("rddm", ""), "IRSDE*": ("ir-sde", ""),
}  # fmt: skip
"""Method and variant by the paper's names."""
RIVALS = frozenset({"RDDM", "RDDM*", "IRSDE*"})
APART = "the paper does not tell how it trained them"
UNSEEN = "the paper does not tell which of its pictures it measured"
ALL_IN_ONE = frozenset({"1", "8", "11", "C.7"})
"""Tables of one model for five tasks."""
NOISY = {"CBSD68": "cbsd68", "BSD68": "cbsd68", "Kodak24": "kodak24", "Urban100": "urban100"}
"""Clean pictures that noise of the column's level is added to, by their names in the catalogue."""
DATA_SETS = {
    "Rain100L": ("rain100l/test", "deraining"), "Rain100H": ("rain100h/test", "deraining"),
    "GoPro": ("gopro/test", "deblurring"), "SOTS": ("sots/outdoor", "dehazing"), "LOLv1": ("lolv1/test", "low-light"),
    "Practical": ("practical", "deraining"), "SIDD": ("sidd/validation", "denoising"),
    "RealBlur": ("realblur-j/test", "deblurring"), "Edges2Shoes": ("edges2shoes/test", "edges-to-objects"),
    "Edges2Handbags": ("edges2handbags/test", "edges-to-objects"),
    "Edges2Bags": ("edges2handbags/test", "edges-to-objects"),
}  # fmt: skip
"""Name in the catalogue, and what the pictures are for."""
TRAINED_ON = {
    "Rain100H": (),
    "Rain100L": ("data.source=dataset:rain100l/train", "data.validation=dataset:rain100l/test"),
}
UNTOLD = {
    "2": "drdd-mnmd-paper trains it; a number is of three noises together and, but for CBSD68, of pictures not named",
    "3": "the variants drdd-ir-sde and drdd-de-irsde train it; the paper does not say on which pictures it is measured",
    "6": "drdd-inpaint-paper trains it; which pictures are held out for it the paper does not say",
    "C.8": "the variants drdd-data-25 to -75 of drdd-allinone3-paper train it; a number is of three tasks together",
}
"""By table what there is where its numbers cannot be measured by themselves."""
STEPS = ("options.drdd.residual_steps", "options.drdd.noise_steps")
METRICS = frozenset({"PSNR", "SSIM", "LPIPS", "FID", "NIQE"})
EDGES_OF = {
    "Edges2Handbags": (),
    "Edges2Shoes": tuple(
        f"data.{key}=dataset:edges2shoes/{part}"
        for key, part in (("source", "train"), ("validation", "test"), ("source_validation", "test"))
    ),
}
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
    if number.metric not in METRICS:
        return f"{number.metric} is not measured here"
    if number.table in UNTOLD:
        return UNTOLD[number.table]
    found = _test_set(number)
    if found is None:
        return "several test sets together"
    if number.table == "C.9":
        level = number.column.removeprefix("sigma = ")
        recipe = "drdd-edges-paper" if number.data == "Edges2Bags" else "drdd-derain-paper"
        return _of(f"{recipe}+drdd-level-{level}", found, "drdd")
    if number.table == "10":
        first, second = (words.split()[0] for words in number.row.split(", "))
        return _of(f"drdd-allinone3-paper+drdd-steps-{first}-{second}", found, "drdd", keys=(*VARIANT_KEYS, *STEPS))
    if number.row not in ROWS:
        return "networks of two runs put together (`workbench assemble`), which are no run's"
    method, variant = ROWS[number.row]
    apart = APART if number.row in RIVALS else UNSEEN if number.table == "11" else ""
    if number.table in ALL_IN_ONE:
        return _of(f"drdd-allinone5-paper{variant}", found, method, apart=apart)
    if number.table == "7":
        settings = EDGES_OF[number.data]
        return _of("drdd-edges-paper", found, method, settings, apart=apart)
    if number.table == "5(b)":
        return _of("drdd-denoise-paper", found, method, apart=apart)
    return _of("drdd-derain-paper", found, method, TRAINED_ON[number.data], apart=apart)


def _test_set(number: Number) -> tuple[str, str] | None:
    """Name of a number's test set and what its pictures are for."""
    if number.data not in NOISY:
        return DATA_SETS.get(number.data)
    level = number.column.partition("sigma = ")[2] or "25"
    return f"{NOISY[number.data]}+awgn:sigma={level}", "denoising"


def _of(
    recipe: str,
    test_set: tuple[str, str],
    method: str,
    settings: tuple[str, ...] = (),
    keys: tuple[str, ...] = VARIANT_KEYS,
    apart: str = "",
) -> Experiment:
    data_set, task = test_set
    trained = load_recipe(recipe, settings, method=method)
    return Experiment(trained, data_set, frozenset({"rgb"}), keys, apart=apart, task=task)


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
        "5(b)": "noise is added to the clean pictures, clipped and rounded to 8 bits, as the authors' files have it",
        "9": "RDDM's rows count 4 steps, DRDD's 2 + 2",
        "10": "the level of the noise is not stated; by the numbers it is sigma 25",
        "11": "of RealBlur's two parts the paper does not say which; here RealBlur-J",
        "C.9": "levels on the range [-1, 1]: 1.0 is a standard deviation of 127.5 in 255; the paper does not say so",
    },
)
