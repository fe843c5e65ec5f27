"""What happens between the steps of a training: checkpoints, validation, curves, pictures, progress."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from lightning.fabric.plugins import CheckpointIO
from lightning.pytorch import Callback, Trainer
from torch import nn

from workbench.data.domains import Pair
from workbench.evaluation.metrics import psnr
from workbench.images import to_float
from workbench.methods.base import all_finite
from workbench.progress import progress_bar
from workbench.restore import restore_array
from workbench.runs.checkpoints import WHOLE, read_checkpoint, write_checkpoint, write_snapshot
from workbench.training.lightning_method import LightningMethod
from workbench.training.meters import high_frequency_energy
from workbench.training.surroundings import StopSignals


class CheckpointFiles(CheckpointIO):
    """How Lightning writes and reads checkpoints: `workbench.runs.checkpoints`."""

    def save_checkpoint(self, checkpoint: dict, path: str | Path, storage_options: object = None) -> None:
        """Write a checkpoint, keeping the one before."""
        write_checkpoint(Path(path), checkpoint)

    def load_checkpoint(self, path: str | Path, map_location: object = None, weights_only: bool | None = None) -> dict:
        """Read a checkpoint to the CPU."""
        return read_checkpoint(Path(path), WHOLE)

    def remove_checkpoint(self, path: str | Path) -> None:
        """Delete a checkpoint."""
        Path(path).unlink(missing_ok=True)


class Checkpoints(Callback):
    """Writes ``last.ckpt`` every few steps, at the end, and when asked to stop by SIGINT or SIGTERM.

    Parameters
    ----------
    path : Path
        The file; replaced in one step, so a killed process or a full disk leaves the one before.
    every : int
    signals : StopSignals
    """

    def __init__(self, path: Path, every: int, signals: StopSignals):
        self.path, self.every, self.signals = path, every, signals

    def on_train_start(self, trainer: Trainer, module: LightningMethod) -> None:
        """From now on a stop signal ends the training after a step."""
        self.signals.wait_for_steps()

    def on_train_batch_end(self, trainer: Trainer, module: LightningMethod, *_args) -> None:
        """Save where it is time to, and leave the loop when asked to."""
        # One process was asked; all of them stop at the same step.
        stop = trainer.strategy.reduce_boolean_decision(self.signals.asked is not None, all=False)
        if stop or trainer.global_step % self.every == 0 or trainer.global_step == module.method.total_steps:
            self._save(trainer, module)
        trainer.should_stop |= stop

    def _save(self, trainer: Trainer, module: LightningMethod) -> None:
        # A gradient that overflowed shows in the weights one step before it shows in the loss.
        if not all_finite(module):
            return
        trainer.save_checkpoint(self.path)


class Snapshots(Callback):
    """Keeps the weights of all networks at the start, every few steps and at the end, as ``STEP.safetensors``.

    Parameters
    ----------
    folder : Path
    every : int
    """

    def __init__(self, folder: Path, every: int):
        self.folder, self.every = folder, every

    def on_train_start(self, trainer: Trainer, module: LightningMethod) -> None:
        """Keep what training starts from."""
        if trainer.global_step == 0:
            self._keep(trainer, module)

    def on_train_batch_end(self, trainer: Trainer, module: LightningMethod, *_args) -> None:
        """Keep the weights where it is time to."""
        if trainer.global_step % self.every == 0 or trainer.global_step == module.method.total_steps:
            self._keep(trainer, module)

    def _keep(self, trainer: Trainer, module: LightningMethod) -> None:
        if not trainer.is_global_zero:
            return
        self.folder.mkdir(exist_ok=True)
        path = self.folder / f"{trainer.global_step:07d}.safetensors"
        state = {name: value.detach().cpu().contiguous() for name, value in module.method.state_dict().items()}
        write_snapshot(path, state)


class RandomState(Callback):
    """Keeps torch's random state in the checkpoint: dropout must go on where it was.

    Of several processes the first does so. The others begin, each time that training begins, with a state made of the
    seed, their rank and the step: their masks are neither those of the first nor those of each other.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, seed: int):
        self.seed = seed
        self._restored: list[torch.Tensor] | None = None
        self._begun = False

    def on_save_checkpoint(self, trainer: Trainer, module: LightningMethod, checkpoint: dict) -> None:
        """Add the state."""
        checkpoint["random_state"] = [torch.get_rng_state(), *torch.cuda.get_rng_state_all()]

    def on_load_checkpoint(self, trainer: Trainer, module: LightningMethod, checkpoint: dict) -> None:
        """Remember the state."""
        self._restored = checkpoint["random_state"]

    def on_train_batch_start(self, trainer: Trainer, module: LightningMethod, *_args) -> None:
        """Set the state at the first step, since what starts up before it draws random numbers as well.

        A checkpoint of a machine with other devices gives its CPU state only.
        """
        if not self._begun and trainer.global_rank > 0:
            own = np.random.SeedSequence((self.seed, trainer.global_rank, trainer.global_step))
            torch.manual_seed(int(own.generate_state(1, np.uint64)[0]))
        self._begun = True
        if self._restored is None or trainer.global_rank > 0:
            return
        (cpu, *devices), self._restored = self._restored, None
        torch.set_rng_state(cpu.cpu())
        if len(devices) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all([state.cpu() for state in devices])


class Curves(Callback):
    """Writes losses, weights, learning rates, gradient norms and the time per step as TensorBoard scalars."""

    def __init__(self, every: int):
        self.every = every
        self._norms: dict[str, float] = {}
        self._last = (0, 0.0)

    def on_train_start(self, trainer: Trainer, module: LightningMethod) -> None:
        """Start the clock."""
        self._last = (trainer.global_step, time.perf_counter())

    def on_before_optimizer_step(self, trainer: Trainer, module: LightningMethod, optimizer) -> None:
        """Measure the gradients before the optimiser uses them."""
        if (trainer.global_step + 1) % self.every:
            return
        for group in optimizer.param_groups:
            gradients = [parameter.grad for parameter in group["params"] if parameter.grad is not None]
            self._norms[group["name"]] = nn.utils.get_total_norm(gradients).item() if gradients else 0.0

    def on_train_batch_end(self, trainer: Trainer, module: LightningMethod, losses: dict, *_args) -> None:
        """Write what there is."""
        step = trainer.global_step
        if step % self.every:
            return
        add = trainer.logger.experiment.add_scalar
        for name, value in losses.items():
            add(f"loss/{name}", value.item(), step)
        for name, norm in self._norms.items():
            add(f"gradient_norm/{name}", norm, step)
        for group in trainer.optimizers[0].param_groups:
            add(f"learning_rate/{group['name']}", group["lr"], step)
        for name, value in module.method.dials(step - 1).items():
            add(f"dial/{name}", value, step)
        before, then = self._last
        self._last = (step, time.perf_counter())
        add("time/seconds_per_step", (self._last[1] - then) / max(step - before, 1), step)


class Validation(Callback):
    """Measures PSNR on held-out pairs of each domain and keeps sample pictures; for the eye see `meters`.

    Parameters
    ----------
    domains : dict of str to sequence of Pair
        Such as ``{"target": [...], "source": [...]}``.
    every : int
    pictures : int
        How many pictures of each domain are kept.
    """

    def __init__(self, domains: dict[str, Sequence[Pair]], every: int, pictures: int = 2):
        self.domains, self.every, self.pictures = domains, every, pictures
        self.latest: dict[str, float] = {}

    def summary(self) -> dict[str, float | None]:
        """What the last validation measured, None where it was infinite, and on how many pictures of each domain."""
        measured = {name: value if math.isfinite(value) else None for name, value in self.latest.items()}
        return measured | {f"{domain}_images": len(pairs) for domain, pairs in self.domains.items()}

    def state_dict(self) -> dict:
        """The last measurement: a run that is continued after its last validation still has it."""
        return dict(self.latest)

    def load_state_dict(self, state: dict) -> None:
        """Take up the last measurement."""
        self.latest.update(state)

    def on_train_start(self, trainer: Trainer, module: LightningMethod) -> None:
        """Measure the start, so that curves show what training changed."""
        if trainer.global_step == 0:
            self._validate(trainer, module)

    def on_train_batch_end(self, trainer: Trainer, module: LightningMethod, *_args) -> None:
        """Measure where it is time to, and the restorer has changed since the start."""
        step = trainer.global_step
        if (step % self.every == 0 and step > module.method.head_start) or step == module.method.total_steps:
            self._validate(trainer, module)

    def _validate(self, trainer: Trainer, module: LightningMethod) -> None:
        if not trainer.is_global_zero:
            return
        # Pictures of ever other sizes would be compiled for anew
        compiled = module.method.recipe.training.compile
        with torch.compiler.set_stance("force_eager") if compiled else nullcontext():
            self._measure(trainer, module)

    def _measure(self, trainer: Trainer, module: LightningMethod) -> None:
        begin, step, writer = time.perf_counter(), trainer.global_step, trainer.logger.experiment
        for domain, pairs in self.domains.items():
            errors, energies = [], []
            for index, pair in enumerate(pairs):
                restored = np.clip(
                    restore_array(module.method.exported(), to_float(pair.degraded), device=module.device), 0.0, 1.0
                )
                reference = to_float(pair.reference)
                errors.append(psnr(restored, reference, 1, highest=100))
                energies.append(high_frequency_energy(restored, reference))
                if index < self.pictures:
                    writer.add_image(f"{domain}/{pair.name}", restored, step, dataformats="HWC")
            self.latest[f"{domain}_psnr"] = sum(errors) / len(errors)
            writer.add_scalar(f"validation/{domain}_psnr", self.latest[f"{domain}_psnr"], step)
            if there := [energy for energy in energies if np.isfinite(energy)]:
                writer.add_scalar(f"validation/{domain}_high_frequency_energy", float(np.median(there)), step)
        for tag, value in module.method.meters(self.domains).items():
            writer.add_scalar(tag, value, step)
        writer.add_scalar("time/seconds_per_validation", time.perf_counter() - begin, step)


class Progress(Callback):
    """A progress bar over all steps, with what the last validation measured."""

    def __init__(self, title: str, validation: Validation):
        self.title, self.validation, self.bar = title, validation, None

    def on_train_start(self, trainer: Trainer, module: LightningMethod) -> None:
        """Show the bar."""
        total, done = module.method.total_steps, trainer.global_step
        self.bar = progress_bar(total, self.title, "step", initial=done, disable=not trainer.is_global_zero)

    def on_train_batch_end(self, trainer: Trainer, module: LightningMethod, *_args) -> None:
        """Move the bar."""
        latest = self.validation.latest
        self.bar.set_postfix({name: f"{value:.2f} dB" for name, value in latest.items()}, refresh=False)
        self.bar.update(1)

    def on_train_end(self, trainer: Trainer, module: LightningMethod) -> None:
        """Leave the finished bar on the screen."""
        self.bar.close()

    def on_exception(self, trainer: Trainer, module: LightningMethod, exception: BaseException) -> None:
        """Do not let the bar swallow the message."""
        if self.bar is not None:
            self.bar.close()
