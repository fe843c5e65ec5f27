"""Decoupled Residual Denoising Diffusion (Lin et al., 2026): its tables, and why their cells stay empty here."""

from __future__ import annotations

from workbench.papers.paper import Number, Paper

FOREIGN = frozenset(
    {"DA-CLIP", "DA-CLIP*", "DiffuIR", "DiffuIR*", "DiffUIR", "AdAIR", "VLUNet", "VLUNET", "VLU-NET", "DFPIR", "MISF",
     "CTSDG", "TransRef"}
)  # fmt: skip
"""Rows of networks that the workbench does not have."""


def experiment(number: Number) -> str:
    """Why a published number has no run beside it."""
    if number.table == "4":
        return "sizes of data sets; see `workbench data list`"
    if number.column == "complexity":
        return "costs of networks; see `workbench complexity`"
    if number.row in FOREIGN:
        return "its network is not among those here"
    if number.column == "Average":
        return "an average over the row"
    return "no recipe at scale paper stands for it"


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
