"""Several processes train one run: what each of them draws, and which of them owns the run folder."""

from types import SimpleNamespace

import pytest
import torch
from support import TINY

from workbench.errors import WorkbenchError
from workbench.recipes import load_recipe
from workbench.runs.folder import Run
from workbench.training import fitting
from workbench.training.callbacks import RandomState


def draws(rank, step=0, restored=None):
    """What a process draws when its training begins."""
    torch.manual_seed(0)
    callback, trainer = RandomState(seed=3), SimpleNamespace(global_rank=rank, global_step=step)
    if restored is not None:
        callback.on_load_checkpoint(trainer, None, {"random_state": [restored]})
    callback.on_train_batch_start(trainer, None)
    first = torch.rand(4)
    callback.on_train_batch_start(trainer, None)  # of the second step
    return torch.stack([first, torch.rand(4)])


def test_each_process_has_masks_of_its_own():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        alone = torch.rand(2, 4)
        assert torch.equal(draws(0), alone), "the first goes on as one alone"
        drawn = [draws(0), draws(1), draws(2), draws(1, step=5)]
        assert all(not torch.equal(one, other) for one in drawn for other in drawn if one is not other)
        assert torch.equal(draws(1), draws(1))


def test_the_state_of_a_checkpoint_is_the_first_processs():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(9)
        state = torch.get_rng_state()
        expected = torch.rand(2, 4)
        assert torch.equal(draws(0, 5, state), expected)
        assert torch.equal(draws(1, 5, state), draws(1, 5))


SLURM = {"SLURM_NTASKS": "4", "SLURM_JOB_NAME": "train"}
TORCHRUN = {"TORCHELASTIC_RUN_ID": "none"}


@pytest.mark.parametrize(
    ("environment", "helps"),
    [
        ({}, False),
        ({**TORCHRUN, "RANK": "0", "LOCAL_RANK": "0"}, False),
        ({**TORCHRUN, "RANK": "2", "LOCAL_RANK": "0"}, True),  # the first of the second machine
        ({**SLURM, "SLURM_PROCID": "0"}, False),
        ({**SLURM, "SLURM_PROCID": "3"}, True),
        ({**SLURM, "SLURM_JOB_NAME": "bash", "SLURM_PROCID": "3"}, False),
        ({fitting.FURTHER: "run", "LOCAL_RANK": "1"}, True),
        ({fitting.FURTHER: "another", "LOCAL_RANK": "1"}, False),
    ],
)
def test_the_first_process_of_all_machines_owns_the_run_folder(tmp_path, monkeypatch, environment, helps):
    run = Run(tmp_path / "run")
    for name in (*SLURM, *TORCHRUN, "RANK", "LOCAL_RANK", "SLURM_PROCID", fitting.FURTHER):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, str(tmp_path / value) if name == fitting.FURTHER else value)
    shared = load_recipe("denoise-pocket", [*TINY, "training.devices=2", "training.nodes=2"])
    assert fitting._helps(run, shared) is helps
    alone = load_recipe("denoise-pocket", TINY)
    assert not fitting._helps(run, alone), "a run on one device is nobody's to help with, such as a warm start"


def test_batches_are_shared_evenly_by_the_devices_of_all_machines():
    assert load_recipe("denoise-pocket", ["training.devices=4", "training.nodes=4"]).training.processes == 16
    with pytest.raises(WorkbenchError, match="batch_size 16 cannot be shared evenly by 12 devices"):
        load_recipe("denoise-pocket", ["training.devices=4", "training.nodes=3"])
    with pytest.raises(WorkbenchError, match="a warm start trains on one device"):
        load_recipe("denoise-pocket", ["warm_start.nodes=2"])
