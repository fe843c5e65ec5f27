"""Where gradients go: several networks with opposed losses, one backward pass, one optimiser.

Checkpoints, resuming and training on several devices then are those of every other method.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call


class _ScaleGradient(torch.autograd.Function):
    """The identity; its gradient is multiplied by a factor."""

    @staticmethod
    def forward(context, value: Tensor, factor: float) -> Tensor:
        context.factor = factor
        return value.view_as(value)

    @staticmethod
    def backward(context, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient * context.factor, None


def scale_gradient(value: Tensor, factor: float) -> Tensor:
    """The value itself, whose gradient is multiplied by a factor on its way back.

    A negative factor is the gradient reversal layer of Ganin and Lempitsky (ICML 2015): what comes before it climbs
    the loss that what comes after it descends.
    """
    return _ScaleGradient.apply(value, factor)


def held(network: nn.Module, *inputs: Tensor) -> Tensor:
    """The network's output, through which gradients reach the inputs but not the network's own parameters.

    A generator learns from its critic in this way without the critic learning to praise it.
    """
    parameters = {name: parameter.detach() for name, parameter in network.named_parameters()}
    return functional_call(network, parameters, inputs)
