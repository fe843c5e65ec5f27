"""What a recipe holds: one experiment at one scale, checked when it is read."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from workbench.data import degradations
from workbench.files import is_plain_name

Probability = Annotated[float, Field(gt=0, lt=1)]
Task = Literal[
    "denoising", "deraining", "deblurring", "dehazing", "low-light", "inpainting", "super-resolution",
    "edges-to-objects", "all-in-one",
]  # fmt: skip
TASKS = frozenset(get_args(Task))
CameraName = Literal["mild", "standard", "strong", "textured", "night"]
AWGN_SIGMA = list(degradations.AdditiveWhiteGaussianNoise().sigma)


class Section(BaseModel):
    """Keys that belong together; an unknown one is an error."""

    # A mistyped key must not be ignored: it would train something else than was asked for.
    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class Network(BaseModel):
    """A network by name, with hyper-parameters that replace the name's defaults."""

    model_config = ConfigDict(extra="allow")
    name: str

    @property
    def overrides(self) -> dict:
        """Hyper-parameters other than the name."""
        return dict(self.__pydantic_extra__ or {})


PAIRS = "pairs"


class DegradationChoice(Network):
    """A degradation by name, with options that replace its defaults; a name alone is enough.

    Options that are the defaults are left out, so that choices that mean the same are equal.
    """

    name: str = "awgn"

    @model_validator(mode="before")
    @classmethod
    def _from_its_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _known(self):
        if self.name == PAIRS and self.overrides:
            raise ValueError(f"{PAIRS} has no options; its folders hold what it gives")
        self.__pydantic_extra__ = {} if self.name == PAIRS else degradations.checked_options(self.name, self.overrides)
        return self

    @model_serializer
    def _shortest(self) -> str | dict[str, Any]:
        return {"name": self.name, **self.overrides} if self.overrides else self.name

    def __str__(self) -> str:
        return ", ".join([self.name, *(f"{key} {value}" for key, value in self.overrides.items())])


class MixtureEntry(Section):
    """One kind of training sample of a mixture; what it does not say is as of the recipe's data."""

    weight: float = Field(1.0, gt=0, description="how often it is drawn, relative to the others")
    source: str | list[str] | None = Field(None, description="as data.source")
    degradation: DegradationChoice | None = Field(None, description="as data.degradation")
    source_validation: str | None = Field(
        None, description="as data.source_validation, which counts for an entry with neither source nor degradation"
    )


class Data(Section):
    """Where images come from.

    A location is the name of an embedded domain, a folder, or ``dataset:NAME`` for a data set that ``workbench data
    prepare NAME`` put under the data root.
    """

    source: str | list[str] = Field("embedded", description="clean images: 'embedded', folder(s) or dataset:NAME")
    degradation: DegradationChoice = Field(
        DegradationChoice(),
        description="what is done to the source's clean images: a name of workbench.data.degradations, or {name: NAME,"
        " OPTION: VALUE}; 'pairs': nothing, its folders hold the degraded images in input/ and the clean ones in"
        " target/",
    )
    mixture: list[MixtureEntry] | None = Field(
        None, min_length=1, description="sources and degradations that are mixed by weight; null: the one above"
    )
    mixture_from: Literal["warm-start", "training"] = Field(
        "warm-start",
        description="from when on the mixture is used; 'training': the warm start has the one source above, and is"
        " shared with recipes without a mixture",
    )
    fraction: float = Field(
        1.0,
        gt=0,
        le=1,
        description="share of each source's images (or pairs) that is used, chosen by the recipe's seed",
    )
    target: str | list[str] = Field(
        "simulated-camera",
        description="unlabelled images: 'simulated-camera', 'simulated-rain', 'simulated-shake', folder(s),"
        " dataset:NAME, or 'synthetic' for the control in which synthetically degraded source images stand in for the"
        " target domain",
    )
    validation: str = Field(
        "simulated-camera",
        description="held-out pairs of the target domain: simulated as above (with ':tuning' others, to choose settings"
        " on), a folder, dataset:NAME",
    )
    source_validation: str | None = Field(
        None,
        description="held-out pairs of the source domain: a folder or dataset:NAME, of pairs, or of clean images that"
        " get the degradation; if null, embedded photographs with it, and none for 'pairs'. AWGN whose level is drawn"
        " has sigma 25",
    )
    unpaired: str | list[str] | None = Field(None, description="clean images of the unpaired extension; source if null")
    camera: CameraName = Field("standard", description="the simulated camera")
    validation_images: int = Field(8, ge=1, description="how many held-out pairs are measured during training")

    @model_validator(mode="before")
    @classmethod
    def _sigma_is_an_option_of_awgn(cls, tree: Any) -> Any:
        """Read recipes of before degradations had options; an option that is given counts more than the old key."""
        if not isinstance(tree, dict) or "sigma" not in tree:
            return tree
        tree = dict(tree)
        sigma, chosen = tree.pop("sigma"), tree.get("degradation", "awgn")
        chosen = {"name": chosen} if isinstance(chosen, str) else chosen
        if isinstance(chosen, dict) and (chosen.get("name") == "awgn" or sigma not in (AWGN_SIGMA, tuple(AWGN_SIGMA))):
            tree["degradation"] = {"sigma": sigma, **chosen}
        return tree

    @model_validator(mode="after")
    def _consistent(self):
        for entry in self.entries:
            if entry.degradation.name == PAIRS and entry.source == "embedded":
                raise ValueError("degradation pairs needs source folders with input/ and target/, not 'embedded'")
        return self

    @model_serializer(mode="wrap")
    def _as_ever(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """AWGN's range where it has always been, and newer keys only where they are used: digests rest on the tree."""
        tree = write(self)
        awgn = self.degradation.name == "awgn"
        tree["sigma"] = self.degradation.overrides.get("sigma", AWGN_SIGMA) if awgn else AWGN_SIGMA
        if awgn:
            tree["degradation"] = "awgn"
        unused = ("mixture", None), ("mixture_from", "warm-start"), ("fraction", 1)
        return {key: value for key, value in tree.items() if (key, value) not in unused}

    @property
    def entries(self) -> list[MixtureEntry]:
        """What the source domain is made of, written out: the entries of the mixture, or the one source there is."""
        return [
            MixtureEntry(
                weight=entry.weight,
                source=entry.source or self.source,
                degradation=entry.degradation or self.degradation,
                source_validation=entry.source_validation
                or (None if entry.source or entry.degradation else self.source_validation),
            )
            for entry in self.mixture or [MixtureEntry()]
        ]

    @property
    def source_side(self) -> dict[str, Any]:
        """The keys of the recipe's tree that the warm start, restoration alone, looks at."""
        tree = self.model_dump(mode="json")
        if self.mixture_from == "training":
            tree.pop("mixture", None)
        # As warm starts have been told apart since there was nothing but AWGN.
        keys = ("source", "sigma" if tree["degradation"] == "awgn" else "degradation", "mixture", "fraction")
        for entry in tree.get("mixture", []):
            del entry["source_validation"]
        return {key: tree[key] for key in keys if key in tree}


class Training(Section):
    """Length, batches and optimisation of the restorer's training."""

    max_steps: int = Field(450, ge=1, description="updates of the restorer")
    batch_size: int = Field(16, ge=1, description="source patches (and as many target patches) a step, all devices")
    patch_size: int = Field(32, ge=8)
    learning_rate: float = Field(3e-4, gt=0)
    schedule: Literal["constant", "cosine"] = "cosine"
    loss: Literal["charbonnier", "l1", "l2"] = Field("charbonnier", description="of restored from clean images")
    perceptual: float = Field(0.0, ge=0, description="weight of LPIPS beside it; needs the weights of its network")
    gradient_clip: float | None = Field(None, gt=0, description="norm beyond which a step's gradient is scaled down")
    ema_decay: Probability = 0.99
    weights: Literal["ema", "raw"] = Field("ema", description="which weights are validated and exported")
    log_every: int = Field(10, ge=1)
    validate_every: int = Field(100, ge=1)
    checkpoint_every: int = Field(100, ge=1)
    snapshot_every: int | None = Field(
        None, ge=1, description="keep all networks' weights every so many steps, for workbench.diagnostics; null: never"
    )
    workers: int = Field(0, ge=0, description="data loading processes; does not change the samples")
    threads: int | None = Field(
        None, ge=1, description="torch threads on a CPU; null: what OMP_NUM_THREADS says, else one a core, at most 4"
    )
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    devices: int = Field(1, ge=1, description="GPUs of a machine, or processes on a CPU, that share every batch")
    nodes: int = Field(1, ge=1, description="machines that do so, each with as many devices; see docs/performance.md")
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    compile: bool = Field(False, description="compile the networks with torch.compile: minutes once, then faster steps")

    @model_validator(mode="after")
    def _divisible(self):
        if self.batch_size % self.processes:
            raise ValueError(f"batch_size {self.batch_size} cannot be shared evenly by {self.processes} devices")
        return self

    @property
    def processes(self) -> int:
        """Devices of all machines together."""
        return self.devices * self.nodes


class Recipe(Section):
    """One experiment at one scale."""

    name: str
    description: str = ""
    task: Task = "denoising"
    scale: Literal["pocket", "desk", "bench", "paper"]
    method: str = "noise-space"
    seed: int = Field(0, ge=0, lt=2**32)
    data: Data = Data()
    restorer: Network
    warm_start: Training | None = Field(None, description="restoration alone, shared by all methods of a seed")
    pretrained: str | None = Field(
        None, description="restorer to start from in place of the warm start: a run folder, a file or a packaged name"
    )
    training: Training = Training()
    options: dict[str, dict[str, Any]] = Field(
        {}, description="settings of methods, by method; the method's Options names and checks them"
    )

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, name: str) -> str:
        if not is_plain_name(name):
            raise ValueError(f"{name!r} cannot name a folder: no / and \\, no . at its beginning")
        return name

    @model_validator(mode="before")
    @classmethod
    def _pretrained_needs_no_warm_start(cls, values):
        if isinstance(values, dict) and values.get("pretrained") is not None:
            return values | {"warm_start": None}
        return values

    @model_validator(mode="after")
    def _one_device_for_the_warm_start(self):
        if self.warm_start is not None and self.warm_start.processes != 1:
            raise ValueError("a warm start trains on one device: set warm_start.devices and warm_start.nodes to 1")
        return self
