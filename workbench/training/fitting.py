"""Train a recipe: the one way from a recipe to a run folder."""

from __future__ import annotations

import errno
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from lightning.pytorch import Trainer, seed_everything
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.plugins.environments import SLURMEnvironment
from torch import Tensor
from tqdm import tqdm

from workbench.data.domains import (
    check_prepared,
    data_locations,
    source_validation_pairs,
    training_stream,
    validation_pairs,
)
from workbench.data.fingerprints import changed_location, fingerprints
from workbench.data.streams import PatchStream, step_batches
from workbench.devices import threads_alone, training_device
from workbench.errors import Interrupted, WorkbenchError, is_out_of_memory
from workbench.files import CannotWrite, cannot_write, is_plain_name, make_folder, sweep
from workbench.methods import METHODS, Method, misfit, resolve
from workbench.methods.base import TRAIN_AGAIN, WARM_START, Diverged, all_finite
from workbench.recipes import Recipe, save_recipe
from workbench.restorers import load_restorer, save_restorer
from workbench.restorers.cards import network_names
from workbench.runs.checkpoints import WHOLE, previous, read_checkpoint
from workbench.runs.folder import Run
from workbench.runs.identity import RESTORATION, difference, digest
from workbench.runs.processes import record_process
from workbench.runs.provenance import provenance
from workbench.training.callbacks import (
    CheckpointFiles,
    Checkpoints,
    Curves,
    Progress,
    RandomState,
    Snapshots,
    Validation,
)
from workbench.training.cost import training_gmacs
from workbench.training.lightning_method import LightningMethod
from workbench.training.memory import check_memory, peak_memory, reset_peak_memory
from workbench.training.needed import NEEDED, PACKAGED, find_shared
from workbench.training.surroundings import FURTHER, Stopped, StopSignals, unchanged

_OF_DISKS = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENOENT,
    errno.ENAMETOOLONG,
}  # fmt: skip


class FurtherProcess(WorkbenchError):
    """This process has helped another one to train, on a device of its own; there is nothing more to do here."""

    exit_status = 0


def fit(recipe: Recipe, runs: Path = Path("runs"), name: str | None = None, *, resume: bool = False) -> Run:
    """Train a recipe into a run folder.

    Parameters
    ----------
    recipe : Recipe
    runs : Path
        Folder of run folders.
    name : str, optional
        Name of the run folder; by default made of recipe, method and seed.
    resume : bool
        Continue an interrupted run from its last checkpoint (or return a finished one as it is). The continued run
        equals an uninterrupted one; on a CPU bit for bit.

    Returns
    -------
    Run

    Raises
    ------
    WorkbenchError
        When the folder exists and is not to be resumed, holds another recipe or is being trained by another process;
        when data are missing; when the loss is not finite (`workbench.methods.base.Diverged`); when the disk is full.
    Interrupted
        After SIGINT or SIGTERM, once the checkpoint is written; at once if no step was trained yet.
    FurtherProcess
        In the further processes of a training on several devices, which run the same program.

    Notes
    -----
    Torch's threads, random states, warnings filters, logging levels and signal handlers are afterwards as before.
    """
    recipe = _with_threads(resolve(recipe))
    check_prepared(data_locations(recipe.data))
    name = name or f"{recipe.name}-{recipe.method}-s{recipe.seed}"
    if not is_plain_name(name):
        raise WorkbenchError(f"name {name!r}: a run folder lies in --runs, so give it a name without / and leading .")
    run = Run(Path(runs) / name)
    try:
        with unchanged(), StopSignals() as signals:
            if _helps(run, recipe):
                _train(run, recipe, runs, _prepare(recipe), signals)
                raise FurtherProcess(f"{run.folder}: trained; the first process writes the results")
            make_folder(run.folder)
            with FileLock(run.folder / ".lock", timeout=0):
                _check_claim(run, recipe, resume)
                if not run.finished:
                    recipe = _as_begun(run, recipe)
                    job = _prepare(recipe)  # what is wrong with the recipe shows before anything is written or trained
                    sweep(run.checkpoint.parent)
                    sweep(run.snapshot_folder)
                    run.write_format()
                    save_recipe(recipe, run.folder / "recipe.yaml")
                    run.write_fingerprints(fingerprints(data_locations(recipe.data)))
                    record_process(run.folder, total_steps=job[0].total_steps)
                    _train(run, recipe, runs, job, signals)
    except Timeout:
        raise WorkbenchError(f"{run.folder}: another process is training here; wait for it or use --name") from None
    except Stopped as stopped:
        raise Interrupted(
            f"{run.folder}: stopped by {stopped.number.name} before a step was trained; give the same command again",
            128 + stopped.number,
        ) from None
    except CannotWrite as error:
        raise CannotWrite(f"{error}{_what_is_left(run)}") from error
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        asked = recipe.training
        raise WorkbenchError(
            f"{run.folder}: not enough memory for batches of {asked.batch_size} patches of {asked.patch_size} pixels;"
            " make training.batch_size or training.patch_size smaller"
        ) from error
    except OSError as error:
        if error.errno not in _OF_DISKS:
            raise
        message = cannot_write(error.filename2 or error.filename or run.folder, error)
        raise CannotWrite(f"{message}{_what_is_left(run)}") from error
    return run


def _helps(run: Run, recipe: Recipe) -> bool:
    """Whether this is a further process of a training on several devices, whose first process owns the run folder.

    That process has started it (`_train`), or torchrun or SLURM has started both.
    """
    if recipe.training.processes == 1:
        return False
    if torch.distributed.is_torchelastic_launched():
        return int(os.environ["RANK"]) > 0
    if SLURMEnvironment.detect():
        return int(os.environ["SLURM_PROCID"]) > 0
    return os.environ.get(FURTHER) == str(run.folder.resolve()) and int(os.environ.get("LOCAL_RANK", 0)) > 0


def _what_is_left(run: Run) -> str:
    if run.checkpoint.exists():
        return "; the last checkpoint is kept, mend that and --resume"
    return "" if run.folder.is_dir() else "; the run folder was deleted while it was trained"


def check(recipe: Recipe) -> None:
    """See that a recipe can be trained: its networks are built and its data opened, then let go.

    Raises
    ------
    WorkbenchError
        As `fit`, before anything is written or trained.
    """
    _prepare(resolve(recipe))


def _check_claim(run: Run, recipe: Recipe, resume: bool) -> None:
    """See that the folder is free or already this recipe's; one without a checkpoint holds nothing to lose."""
    path = run.folder / "recipe.yaml"
    if not path.exists() or not (run.checkpoint.exists() or run.finished):
        return
    if not resume:
        raise WorkbenchError(f"{run.folder}: a run is already here; continue it with --resume or use another --name")
    if (changed := difference(resolve(run.recipe), recipe)) is not None:
        raise WorkbenchError(
            f"{path}: differs from the recipe given at {changed};"
            " resume with the same one, or use another --name or --runs"
        )
    if (location := changed_location(run.fingerprints, data_locations(recipe.data))) is not None:
        raise WorkbenchError(
            f"{run.folder}: {location} holds other pictures than when this run was begun;"
            " bring them back, or use another --name or --runs"
        )


def _as_begun(run: Run, recipe: Recipe) -> Recipe:
    """The recipe with the number of threads that the run was begun with: another one rounds sums otherwise."""
    if not run.checkpoint.exists():
        return recipe
    threads = run.recipe.training.threads
    if threads == recipe.training.threads:
        return recipe
    tqdm.write(
        f"{run.folder}: goes on with training.threads={threads} as it was begun, for the same weights", file=sys.stderr
    )
    return _with_threads(recipe, threads)


def _with_threads(recipe: Recipe, threads: int | None = None) -> Recipe:
    """The recipe with this number of threads, by default its own or else that of the machine."""
    training = recipe.training
    threads = threads or training.threads or threads_alone(training.devices)
    return recipe.model_copy(update={"training": training.model_copy(update={"threads": threads})})


def _prepare(recipe: Recipe) -> tuple[Method, PatchStream, Validation]:
    """Build all that a recipe names."""
    if (reason := misfit(recipe)) is not None:
        raise WorkbenchError(f"{recipe.name}: {reason}; choose another --method, or a recipe of that task")
    settings, limit = recipe.training, recipe.data.validation_images
    check_memory(settings.batch_size, settings.patch_size)
    seed_everything(recipe.seed, verbose=False)
    method = METHODS[recipe.method](recipe)
    if recipe.pretrained is not None:
        method.start_from(_pretrained(recipe, method))
    stream = training_stream(recipe.data, method.parts, settings.patch_size, recipe.seed)
    domains = {"target": validation_pairs(recipe.data, limit), "source": source_validation_pairs(recipe.data, limit)}
    return (
        method,
        stream,
        Validation({name: pairs for name, pairs in domains.items() if pairs}, settings.validate_every),
    )


def _pretrained(recipe: Recipe, method: Method) -> dict[str, Tensor]:
    """The weights of the restorer that the recipe starts from, if they are those of the recipe's network."""
    restorer, card = load_restorer(recipe.pretrained)
    own = {name: value.shape for name, value in method.restorer.state_dict().items()}
    if tuple(restorer.networks) == ("restorer",):
        weights = restorer.network.state_dict()
        if {name: value.shape for name, value in weights.items()} == own:
            return weights
    raise WorkbenchError(
        f"pretrained: {recipe.pretrained} has the network {network_names(card) or 'of no training'},"
        f" not that of {recipe.name} with {recipe.method}, {recipe.restorer.name};"
        " choose another one, or set restorer to its network"
    )


def _train(
    run: Run, recipe: Recipe, runs: Path, job: tuple[Method, PatchStream, Validation], signals: StopSignals
) -> None:
    method, stream, validation = job
    settings = recipe.training
    needed = _needed(recipe, runs, wait=_helps(run, recipe))
    method.begin_with({name: needs.restorer() for name, needs in needed.items()})
    if settings.compile:
        method.compile_networks()
    reset_peak_memory()
    seed_everything(recipe.seed, verbose=False)  # a run that was trained just now has drawn random numbers
    checkpoint, first_step = _last_checkpoint(run)
    run.checkpoint.parent.mkdir(exist_ok=True)
    checkpoints = Checkpoints(run.checkpoint, settings.checkpoint_every, signals)
    snapshots = [Snapshots(run.snapshot_folder, settings.snapshot_every)] if settings.snapshot_every else []
    title = f"{recipe.name} {recipe.method} seed {recipe.seed}"
    trainer = _trainer(
        run, recipe, method.total_steps,
        # Progress comes last, to show what the others measured
        [
            RandomState(recipe.seed), Curves(settings.log_every), validation, *snapshots, checkpoints,
            Progress(title, validation),
        ],
    )  # fmt: skip
    batches = step_batches(
        stream, settings.batch_size, first_step=first_step, rank=trainer.global_rank, processes=trainer.world_size,
        workers=settings.workers,
    )  # fmt: skip
    os.environ[FURTHER] = str(run.folder.resolve())  # for the processes that Lightning starts for further devices
    begin = time.perf_counter()
    try:
        trainer.fit(LightningMethod(method), batches, ckpt_path=checkpoint, weights_only=True)
    except SystemExit:  # what Lightning makes of a second Ctrl-C
        raise KeyboardInterrupt from None
    if not trainer.is_global_zero:
        return
    seconds = run.summary.get("seconds", 0.0) + time.perf_counter() - begin
    said = {
        name: {"name": needs.name} | {key: needs.summary[key] for key in ("seconds", "gmacs") if key in needs.summary}
        for name, needs in needed.items()
    }
    summary = {
        "status": "finished" if trainer.global_step >= method.total_steps else "interrupted",
        "recipe": recipe.name,
        "scale": recipe.scale,
        "method": recipe.method,
        "seed": recipe.seed,
        "steps": trainer.global_step,
        "seconds": round(seconds, 1),
        "peak_memory": peak_memory(),
        "weights": settings.weights,
        "validation": validation.summary(),
        "warm_start": said.pop(WARM_START, None),
        "needs": said,
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "provenance": provenance(),
    }
    if summary["status"] == "interrupted":
        run.write_summary(summary)
        stopped_by = signals.asked
        raise Interrupted(
            f"{run.folder}: stopped by {stopped_by.name} at step {trainer.global_step} of {method.total_steps};"
            " the checkpoint is written, continue with --resume",
            128 + stopped_by,
        )
    if not all_finite(method.evaluated):
        raise Diverged(f"{run.folder}: the last steps made the weights infinite; {TRAIN_AGAIN}")
    facts = {key: summary[key] for key in ("recipe", "scale", "method", "seed", "steps", "weights", "provenance")}
    facts["data"] = recipe.data.model_dump(mode="json")
    facts["settings"] = {"options": recipe.model_dump(mode="json")["options"]}
    save_restorer(run.weights, method.exported(), provenance=facts)
    run.write_summary(summary | {"gmacs": training_gmacs(method, stream) if trainer.world_size == 1 else None})


def _last_checkpoint(run: Run) -> tuple[Path | None, int]:
    """The checkpoint to continue from and its step: the newest, or the one before where that is damaged."""
    if not run.checkpoint.exists():
        return None, 0
    try:
        return run.checkpoint, read_checkpoint(run.checkpoint, WHOLE)["global_step"]
    except WorkbenchError as damage:
        older = previous(run.checkpoint)
        try:
            step = read_checkpoint(older, WHOLE)["global_step"]
        except WorkbenchError:
            raise WorkbenchError(f"{damage}; delete it to start this run again") from damage
    tqdm.write(f"{run.checkpoint}: damaged; goes on from the one before it, of step {step}", file=sys.stderr)
    os.replace(older, run.checkpoint)
    return run.checkpoint, step


def _trainer(run: Run, recipe: Recipe, total_steps: int, callbacks: list) -> Trainer:
    settings = recipe.training
    accelerator = settings.accelerator
    if accelerator == "gpu" and not torch.cuda.is_available():
        raise WorkbenchError("training.accelerator: no CUDA device is found here; use auto or cpu")
    on_cpu = training_device(accelerator).type == "cpu"
    if on_cpu:
        torch.set_num_threads(settings.threads)
    return Trainer(
        max_steps=total_steps,
        max_epochs=-1,
        accelerator="cpu" if on_cpu else "gpu",
        devices=settings.devices,
        num_nodes=settings.nodes,
        # During the head start the restorer has no gradient.
        strategy="ddp_find_unused_parameters_true" if settings.processes > 1 else "auto",
        precision=settings.precision,
        gradient_clip_val=settings.gradient_clip,
        # Whoever watches the run sees within seconds what is logged.
        logger=TensorBoardLogger(run.folder, name="", version="events", flush_secs=1),
        callbacks=callbacks,
        plugins=[CheckpointFiles()],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )


def _needed(recipe: Recipe, runs: Path, wait: bool) -> dict[str, Run]:
    """The finished runs that the method needs before it can begin: trained once, and shared by all that need them.

    A further process of a training waits for them: its first process trains them.
    """
    needs = METHODS[recipe.method].needs(recipe)
    return {name: _shared(resolve(needed), Path(runs) / NEEDED, wait) for name, needed in needs.items()}


def _shared(recipe: Recipe, folder: Path, wait: bool) -> Run:
    make_folder(folder)
    while wait:
        if (run := find_shared(recipe, folder)) is not None and run.finished:
            return run
        time.sleep(1)
    name = f"{digest(recipe, RESTORATION, fingerprints(data_locations(recipe.data)))}-s{recipe.seed}"
    # Runs that start together wait here for the one that got the lock, then find the run finished.
    with FileLock(folder / f"{name}.lock"):
        run = find_shared(recipe, folder)
        if run is None:
            return fit(recipe, folder, name, resume=True)
        if run.folder.parent == PACKAGED:
            tqdm.write(f"begins with {run.name}, trained for {run.summary['steps']} steps", file=sys.stderr)
        return run if run.finished else fit(run.recipe, folder, run.name, resume=True)
