"""Named changes of any recipe: ablations and extensions of Liao et al. (ICLR 2025) and DRDD, this workbench's guard.

``workbench train denoise-pocket+table4-e`` trains the recipe ``denoise-pocket`` with the settings of ``table4-e``;
several are joined by further ``+``, and ``--set`` has the last word.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from workbench.errors import WorkbenchError


@dataclass(frozen=True)
class Variant:
    """A named change of a recipe.

    Parameters
    ----------
    description : str
    settings : tuple of str
        ``KEY=VALUE``, as for `workbench.recipes.load_recipe`.
    """

    description: str
    settings: tuple[str, ...]


_NO_SHUFFLE, _NO_SWAP = "options.noise-space.channel_shuffle=false", "options.noise-space.residual_swap=false"
_STEPS = ((2, 2), (2, 5), (5, 2), (5, 5), (10, 10))
_UNPAIRED = ("options.noise-space.paired=false", _NO_SWAP)


def _network(name: str, where: str) -> Variant:
    return Variant(f"{where}: the network {name}", (f"restorer={{name: {name}}}",))


def _diffusion(name: str) -> Variant:
    return Variant(f"Fig. A10: the diffusion network {name}", (f"options.noise-space.diffusion={{name: {name}}}",))


def _level(level: str) -> Variant:
    said = f"DRDD, Table C.9 and Fig. 6: noise of level {level} on [-1, 1], {127.5 * float(level):g} of 255"
    beyond = ("options.drdd.schedule=normalised",) if float(level) > 1 else ()  # the released table ends at 1
    return Variant(said, (f"options.drdd.level={level}", *beyond))


def _drdd_method(method: str, said: str) -> Variant:
    return Variant(f"DRDD, {said}", (f"method={method}",))


def _steps(residual: int, noise: int) -> Variant:
    said = f"DRDD, Table 10: {residual} steps of the residual stage, {noise} of the noise stage"
    return Variant(said, (f"options.drdd.residual_steps={residual}", f"options.drdd.noise_steps={noise}"))


def _data(percent: int, said: str) -> Variant:
    return Variant(f"{said}: {percent} % of the training pictures or pairs", (f"data.fraction={percent / 100:g}",))


def _drdd_networks(said: str, residual: str, noise: str) -> Variant:
    return Variant(
        f"DRDD, {said}: the networks {residual} and {noise.partition(',')[0]}",
        (f"options.drdd.network={{name: {residual}}}", f"options.drdd.noise_network={{name: {noise}}}"),
    )


VARIANTS: dict[str, Variant] = {
    "table4-a": Variant("Table 4 (a): restoration alone", ("method=vanilla",)),
    "table4-b": Variant(
        "Table 4 (b): little diffusion noise; neither shuffle nor swap",
        ("options.noise-space.timesteps=[1, 100]", _NO_SHUFFLE, _NO_SWAP),
    ),
    "table4-c": Variant(
        "Table 4 (c): much diffusion noise; neither shuffle nor swap",
        ("options.noise-space.timesteps=[900, 1000]", _NO_SHUFFLE, _NO_SWAP),
    ),
    "table4-d": Variant("Table 4 (d): neither shuffle nor swap", (_NO_SHUFFLE, _NO_SWAP)),
    "table4-e": Variant("Table 4 (e): channel shuffle, no residual swap", (_NO_SWAP,)),
    "table4-only-syn": Variant(
        "Table 4 (only syn): the restored synthetic image is the only condition",
        ("options.noise-space.conditions=source", _NO_SHUFFLE, _NO_SWAP),
    ),
    "table4-only-real": Variant(
        "Table 4 (only real): the restored real image is the only condition",
        ("options.noise-space.conditions=target", _NO_SHUFFLE, _NO_SWAP),
    ),
    "unpaired": Variant("Table A1 (Ours-Ex): noise other clean pictures of the source", _UNPAIRED),
    "unpaired-coco": Variant(
        "Table A1 (Ours-Ex) as in the paper: noise pictures of MS-COCO",
        (*_UNPAIRED, "data.unpaired=dataset:coco/train"),
    ),
    "guarded": Variant(
        "not of the paper: a strong diffusion loss, and a guard of the target's texture (docs/study.md)",
        (
            "options.noise-space.ceiling=5.0",
            "options.noise-space.guard=transplant",
            "options.noise-space.head_start=600",
        ),
    ),
    "synthesis": Variant(
        "not of the paper: half the training pairs as photographs have it, soft with correlated noise (a control"
        " without target photographs, or a better start for adapting)",
        ("data.mixture=[{}, {degradation: correlated-noise}]",),
    ),
    "developed": Variant(
        "not of the paper: three quarters of the training pairs as a camera's JPEG has it, soft with fine grain in luma"
        " and wide blotches in chroma; a stronger `synthesis`",
        ("data.mixture=[{}, {degradation: developed-noise, weight: 3}]",),
    ),
    "synthesis-soft": Variant(
        "`synthesis` with white noise of sigma 0 to 75 on the soft pictures: the share of softness",
        ("data.mixture=[{}, {degradation: {name: correlated-noise, sigma: [0, 75], blur: [0, 0]}}]",),
    ),
    "synthesis-correlated": Variant(
        "`synthesis` with sharp pictures: the share of correlation",
        ("data.mixture=[{}, {degradation: {name: correlated-noise, softness: 0}}]",),
    ),
    **{f"fig7-{name}": _network(name, "Fig. 7") for name in ("unet-t", "unet-s", "unet-b")},
    **{f"fig7-{name}": _network(name, "Fig. 7") for name in ("uformer-t", "uformer-s", "uformer-b")},
    **{f"tablea3-{name}": _network(name, "Table A3") for name in ("dncnn", "restormer", "swinir")},
    **{f"figa10-{name}": _diffusion(name) for name in ("diffusion-t", "diffusion-s", "diffusion-b")},
    "drdd-known-noise": Variant(
        "DRDD, Table 8 (without denoising network): the noise that was added is subtracted",
        ("options.drdd.stages=residual",),
    ),
    "drdd-entangled": _drdd_method(
        "entangled", "Table 8 (entangled baseline): one network, noise and residual together"
    ),
    "drdd-ir-sde": _drdd_method("ir-sde", "Table 3 (IR-SDE): the coupled diffusion by stochastic equations"),
    "drdd-de-irsde": _drdd_method("de-irsde", "Table 3 (De-IRSDE): the same in two stages, in our reading"),
    "drdd-targets-alone": Variant(
        "DRDD: the second network sees noisy targets alone, as in the paper's text", ("options.drdd.sees=target",)
    ),
    "drdd-as-printed": Variant(
        "DRDD as its equations have it: L1, the second network sees the noisy target and predicts the noise",
        ("options.drdd.loss=l1", "options.drdd.sees=target", "options.drdd.predicts=noise"),
    ),
    "drdd-as-released": Variant(
        "DRDD as its code has it: squared error, the second network sees the input and predicts the noise, its table",
        (
            "options.drdd.loss=l2",
            "options.drdd.sees=input",
            "options.drdd.predicts=noise",
            "options.drdd.schedule=released",
        ),
    ),
    "drdd-s": _drdd_networks("Table 9 (DRDD-S)", "drdd-residual-s", "drdd-noise-s"),
    "drdd-l": _drdd_networks("Table 9 (DRDD-L)", "drdd-residual-s", "drdd-noise-l"),
    "drdd-released": _drdd_networks(
        "as its code builds them", "drdd-residual-released", "drdd-noise-l, middle_norm: true"
    ),
    "drdd-holes-center": Variant(
        "DRDD, Table 6 (Center): the hole is a square of half the side in the middle",
        ("data.degradation={name: holes, shape: center, covered: [0.25, 0.25]}",),
    ),
    **{f"drdd-level-{level}": _level(level) for level in ("0.1", "0.3", "0.5", "0.8", "1.0", "1.3", "1.5", "2.0")},
    **{f"drdd-steps-{first}-{second}": _steps(first, second) for first, second in _STEPS},
    **{f"drdd-data-{percent}": _data(percent, "DRDD, Fig. 5 and Table C.8") for percent in (75, 50, 25)},
    **{f"drdd-data-{percent}": _data(percent, "not of the paper, beyond Fig. 5 of DRDD") for percent in (5, 1)},
}
"""By name. Table 4 (f) and Table A1 (Ours) are the recipes themselves."""


def variant_settings(names: Iterable[str], where: str) -> list[str]:
    """The settings of several variants, one after the other.

    Parameters
    ----------
    names : iterable of str
        Keys of `VARIANTS`.
    where : str
        What they are written after, for the error message.

    Returns
    -------
    list of str
        ``KEY=VALUE``, as for `workbench.recipes.load_recipe`.

    Raises
    ------
    WorkbenchError
        There is no such variant.
    """
    settings: list[str] = []
    for name in names:
        if name not in VARIANTS:
            raise WorkbenchError(f"{where}+{name}: no such variant; there are {', '.join(VARIANTS)}")
        settings += VARIANTS[name].settings
    return settings
