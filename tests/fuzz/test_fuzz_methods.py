"""Every method trained for a while on black, white, one picture and pictures with nothing to remove.

``make test`` takes a few steps with two (a step of each is in `test_contract`), ``make fuzz`` 200 with all.
"""

import os
import time

import pytest
import torch
from support.methods import batch_of, build, on_pairs, write_pairs

from workbench.methods import METHODS

LONG = "WORKBENCH_FUZZ" in os.environ
STEPS = 200 if LONG else 4
TRAINED = [name for name, method in METHODS.items() if method.trains]
CHOSEN = TRAINED if LONG else ["vanilla", "c2n"]
PICTURES = ("clean", "degraded", "target", "reference", "unpaired")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    return on_pairs(write_pairs(tmp_path_factory.mktemp("pairs")))


def trained(method, case, pairs):
    """Seconds of the processor for the steps; the method's own head start is a quarter of them."""
    head_start = [f"options.{method}.head_start={STEPS // 4}"] if method == "c2n" else []
    module = build(method, *pairs, *head_start)
    batch = batch_of(module, 1 if case == "one picture" else 2)
    if case == "nothing to remove":
        batch |= {key: batch["clean"] for key in ("degraded", "target") if key in batch and "clean" in batch}
    elif case in ("black", "white"):
        batch |= {key: torch.full_like(batch[key], float(case == "white")) for key in PICTURES if key in batch}
    optimiser = module.configure_optimizers()["optimizer"]
    began = time.process_time()
    for step in range(STEPS):
        optimiser.zero_grad()
        losses = module.losses(batch, step)
        assert all(torch.isfinite(value) for value in losses.values()), (step, losses)
        losses["loss"].backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0, error_if_nonfinite=True)
        optimiser.step()
    seconds = time.process_time() - began
    assert all(torch.isfinite(weights).all() for weights in module.state_dict().values())
    return seconds


@pytest.mark.parametrize("method", CHOSEN)
def test_extreme_pictures_train_to_finite_weights_in_the_time_of_others(method, pairs):
    usual = trained(method, "as they are", pairs)
    for case in ("black", "white", "nothing to remove", "one picture"):
        assert trained(method, case, pairs) < 3 * usual + 2, case
