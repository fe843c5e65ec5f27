"""What a training costs in multiplications, on which the machine has no influence."""

from __future__ import annotations

from torch.utils.flop_counter import FlopCounterMode

from workbench.data.streams import PatchStream, step_batches
from workbench.methods import Method
from workbench.methods.base import Batch


def training_gmacs(method: Method, stream: PatchStream) -> float | None:
    """Milliards of multiplications with addition of a training on one device: as many each step as the last one takes.

    Parameters
    ----------
    method : Method
        As it is after the training, and saved.
    stream : PatchStream
        Of the same parts and patches.

    Returns
    -------
    float or None
        None where networks are compiled, in which nothing can be counted.
    """
    steps, settings = method.total_steps, method.recipe.training
    if settings.compile:
        return None
    if not steps:
        return 0.0
    batch = next(iter(step_batches(stream, settings.batch_size, first_step=steps - 1)))
    batch = {name: value.to(method.device) for name, value in batch.items()}
    return round(steps * step_gmacs(method, batch, steps - 1), 3)


def step_gmacs(method: Method, batch: Batch, step: int) -> float:
    """Milliards of multiplications with addition that a step of training takes, forward and backward.

    Those of convolutions, matrix products and attention, of all networks that the step passes through. Gradients stay
    in the parameters, and buffers move as in any step: what is to be kept must have been saved before.

    Parameters
    ----------
    method : Method
        Whose networks are not compiled: nothing is counted in those that are.
    batch : dict of str to Tensor
        On the method's device.
    step : int
        Which one, for methods whose steps differ.
    """
    method.zero_grad()
    with FlopCounterMode(display=False) as counter:
        method.losses(method.laid_out(batch), step)["loss"].backward()
    return counter.get_total_flops() / 2e9
