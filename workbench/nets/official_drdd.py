"""Import of both networks of DRDD's released code (Lin et al., arXiv:2606.01048).

Their checkpoints hold ``model`` and, which their tests use, its average ``ema``; the residual network is below
``res_model.unet.``, the noise network, that of guided diffusion, below ``noise_model.``. Everything else (tables of the
process, optimisers) is left aside.
"""

from __future__ import annotations

import re

from torch import Tensor, nn

from workbench.errors import WorkbenchError
from workbench.nets.budget import Budget
from workbench.nets.standardised_unet import StandardisedTimedUNet
from workbench.nets.timed_unet import TimedUNet

RESIDUAL, NOISE, AVERAGED = "res_model.unet.", "noise_model.", "ema_model."
_DEEPEST = 8
_HEAD_WIDTH = 64
_BLOCKS = 2
"""Residual blocks a level of the noise network."""
_RENAMES = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"^init_conv\.", "begin."), (r"^time_mlp\.1\.", "embed.0."), (r"^time_mlp\.3\.", "embed.2."),
        (r"^final_res_block\.", "end."), (r"^final_conv\.", "last."),
        (r"^mid_block1\.", "middle.0."), (r"^mid_block2\.", "middle.1."), (r"^mid_attn\.", "middle_attention."),
        (r"^(down|up)s\.(\d+)\.0\.", r"\1.\2.first."), (r"^(down|up)s\.(\d+)\.1\.", r"\1.\2.second."),
        (r"^(down|up)s\.(\d+)\.2\.", r"\1.\2.attention."), (r"^(down|up)s\.(\d+)\.3\.", r"\1.\2.towards."),
        (r"\.mlp\.1\.", ".modulation."), (r"\.res_conv\.", ".shortcut."),
        (r"\.block1\.proj\.", ".first."), (r"\.block1\.norm\.", ".first_norm."),
        (r"\.block2\.proj\.", ".second."), (r"\.block2\.norm\.", ".second_norm."),
        (r"\.fn\.norm\.g$", ".norm.gain"), (r"\.fn\.fn\.to_qkv\.", ".into."),
        (r"\.fn\.fn\.to_out\.1\.g$", ".out_norm.gain"), (r"\.fn\.fn\.to_out\.(0\.)?", ".out."),
    )
]  # fmt: skip
_OF_A_BLOCK = {
    "in_layers.0": "norm1", "in_layers.2": "conv1", "emb_layers.1": "time_emb_proj", "out_layers.0": "norm2",
    "out_layers.3": "conv2", "skip_connection": "conv_shortcut",
}  # fmt: skip
_OUTSIDE = {
    "time_embed.0": "time_embedding.linear_1", "time_embed.2": "time_embedding.linear_2", "input_blocks.0.0": "conv_in",
    "out.0": "conv_norm_out", "out.2": "conv_out",
}  # fmt: skip


def is_drdd(state: dict[str, Tensor]) -> bool:
    """Whether a state dict is one of DRDD's code."""
    return any(key.removeprefix(AVERAGED).startswith(RESIDUAL) for key in state)


def convert_drdd(state: dict[str, Tensor]) -> tuple[dict[str, nn.Module], dict[str, dict]]:
    """Turn a state dict of DRDD's code into the two networks of a restorer, their sizes deduced from the weights.

    The code continues the noise network's images to multiples of 64 pixels, here to what its levels need (32 for six):
    for other sizes the results differ a little, for it normalises over the whole image.

    Parameters
    ----------
    state : dict of str to Tensor

    Returns
    -------
    networks : dict of str to nn.Module
        ``residual`` and ``noise``.
    described : dict of str to dict
        The ``network`` entries of the restorer's card.

    Raises
    ------
    WorkbenchError
        The state dict does not hold both of the authors' networks.
    """
    averaged = {key.removeprefix(AVERAGED): value for key, value in state.items() if key.startswith(AVERAGED)}
    state = averaged or state
    parts = {
        prefix: {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
        for prefix in (RESIDUAL, NOISE)
    }
    try:
        residual, residual_weights = _residual(parts[RESIDUAL])
        noise, noise_weights = _noise(parts[NOISE])
    except (KeyError, IndexError, AttributeError) as error:
        raise WorkbenchError(f"not both networks of DRDD's code: {error} is missing") from error
    networks = {
        "residual": _built(StandardisedTimedUNet, residual, residual_weights, "residual"),
        "noise": _built(TimedUNet, noise, noise_weights, "noise"),
    }
    described = {
        "residual": {"name": "drdd-residual-released", **residual}, "noise": {"name": "drdd-noise-l", **noise},
    }  # fmt: skip
    return networks, described


def _built(kind: type[nn.Module], settings: dict, weights: dict[str, Tensor], name: str) -> nn.Module:
    try:
        with Budget.of_weights(sum(value.numel() for value in weights.values())):
            network = kind(**settings)
        network.load_state_dict(weights)
    except (RuntimeError, ValueError, MemoryError, ZeroDivisionError) as error:
        first = str(error).strip().splitlines()[0]
        raise WorkbenchError(f"its weights do not form the {name} network of DRDD's code: {first}") from error
    return network.eval()


def _residual(weights: dict[str, Tensor]) -> tuple[dict, dict[str, Tensor]]:
    """Settings of `StandardisedTimedUNet` and its weights."""
    levels = _levels(weights, r"downs\.(\d+)\.")
    settings = {
        "in_channels": weights["init_conv.weight"].shape[1],
        "widths": [weights[f"downs.{level}.3.weight"].shape[0] for level in range(levels)],
    }
    renamed = {}
    for key, value in weights.items():
        for pattern, replacement in _RENAMES:
            key = pattern.sub(replacement, key)
        renamed[key] = value
    return settings, renamed


def _noise(weights: dict[str, Tensor]) -> tuple[dict, dict[str, Tensor]]:
    """Settings of `TimedUNet` and its weights."""
    levels = (_levels(weights, r"input_blocks\.(\d+)\.") + _BLOCKS) // (_BLOCKS + 1)
    firsts = [f"input_blocks.{1 + level * (_BLOCKS + 1)}" for level in range(levels)]
    settings = {
        "in_channels": weights["input_blocks.0.0.weight"].shape[1],
        "widths": [weights[f"{first}.0.out_layers.3.weight"].shape[0] for first in firsts],
        "attention": sum(f"{first}.1.qkv.weight" in weights for first in firsts),
        "middle_norm": True,
    }
    renamed = {}
    for key, value in weights.items():
        place, kind = key.rsplit(".", 1)
        if place in _OUTSIDE:
            renamed[f"unet.{_OUTSIDE[place]}.{kind}"] = value
            continue
        block, number, index, inner = re.match(r"(\w+_blocks?)\.(?:(\d+)\.)?(\d+)\.(.+)", place).groups()
        attends = inner in ("norm", "qkv", "proj_out")
        target = f"unet.{_place(block, int(number or 0), int(index), attends)}"
        if not attends:
            renamed[f"{target}.{_OF_A_BLOCK[inner]}.{kind}"] = value
        elif inner == "norm":
            renamed[f"{target}.group_norm.{kind}"] = value
        elif inner == "proj_out":
            renamed[f"{target}.to_out.0.{kind}"] = value.flatten(1) if kind == "weight" else value
        else:  # of each head its queries, keys and values
            channels = value.shape[0] // 3
            width = min(_HEAD_WIDTH, settings["widths"][-1])
            heads = value.reshape(channels // width, 3, width, *value.shape[1:2])
            for position, name in enumerate(("to_q", "to_k", "to_v")):
                renamed[f"{target}.{name}.{kind}"] = heads[:, position].reshape(channels, *value.shape[1:2])
    return settings, renamed


def _place(block: str, number: int, index: int, attends: bool) -> str:
    """Where a block of guided diffusion is in ``diffusers.UNet2DModel``."""
    if block == "middle_block":
        return "mid_block.attentions.0" if attends else f"mid_block.resnets.{index // 2}"
    down = block == "input_blocks"
    level, position = divmod(number - 1 if down else number, _BLOCKS + 1)
    stage = f"{'down' if down else 'up'}_blocks.{level}"
    if attends:
        return f"{stage}.attentions.{position}"
    if down:
        return f"{stage}.downsamplers.0" if position == _BLOCKS else f"{stage}.resnets.{position}"
    return f"{stage}.upsamplers.0" if index else f"{stage}.resnets.{position}"


def _levels(weights: dict[str, Tensor], pattern: str) -> int:
    """How many numbers follow one another from 0."""
    found = {int(match[1]) for key in weights if (match := re.match(pattern, key))}
    if found != set(range(len(found))) or not 0 < len(found) <= _DEEPEST * (_BLOCKS + 1):
        raise WorkbenchError("its levels are not those of the networks of DRDD's code")
    return len(found)
