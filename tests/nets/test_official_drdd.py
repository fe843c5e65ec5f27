"""Import of DRDD's released networks: a checkpoint with their names and shapes, and the networks written out."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from workbench.errors import WorkbenchError
from workbench.images import write_png
from workbench.nets.official import read_checkpoint
from workbench.nets.official_drdd import convert_drdd
from workbench.restorers import load_restorer

WIDTHS, NOISE_WIDTHS, ATTENTION = (16, 32), (32, 64, 128), 2


def shapes_of_residual(widths):
    """Names and shapes as in their ``Unet``."""
    width, time = widths[0], 4 * widths[0]
    shapes = {"init_conv": (width, 6, 7, 7), "time_mlp.1": (time, width), "time_mlp.3": (time, time)}

    def block(name, before, after):
        shapes[f"{name}.mlp.1"] = (2 * after, time)
        for part, into in (("block1", before), ("block2", after)):
            shapes[f"{name}.{part}.proj"], shapes[f"{name}.{part}.norm"] = (after, into, 3, 3), (after,)
        if before != after:
            shapes[f"{name}.res_conv"] = (after, before, 1, 1)

    def attention(name, channels, linear=True):
        shapes[f"{name}.fn.norm.g"] = (1, channels, 1, 1)
        shapes[f"{name}.fn.fn.to_qkv.weight"] = (384, channels, 1, 1)
        shapes[f"{name}.fn.fn.to_out" + ".0" * linear] = (channels, 128, 1, 1)
        if linear:
            shapes[f"{name}.fn.fn.to_out.1.g"] = (1, channels, 1, 1)

    steps = list(zip((width, *widths), widths, strict=False))
    for level, (before, after) in enumerate(steps):
        last = level == len(steps) - 1
        for index in range(2):
            block(f"downs.{level}.{index}", before, before)
        attention(f"downs.{level}.2", before)
        shapes[f"downs.{level}.3"] = (after, before, *((3, 3) if last else (4, 4)))
    for index in (1, 2):
        block(f"mid_block{index}", widths[-1], widths[-1])
    attention("mid_attn", widths[-1], linear=False)
    for level, (before, after) in enumerate(reversed(steps)):
        last = level == len(steps) - 1
        for index in range(2):
            block(f"ups.{level}.{index}", before + after, after)
        attention(f"ups.{level}.2", after)
        shapes[f"ups.{level}.3" + ("" if last else ".1")] = (before, after, 3, 3)
    block("final_res_block", 2 * width, width)
    return shapes | {"final_conv": (3, width, 1, 1)}


def shapes_of_noise(widths, attention):
    """Names and shapes as in guided diffusion's ``UNetModel``."""
    width, time = widths[0], 4 * widths[0]
    shapes = {"time_embed.0": (time, width), "time_embed.2": (time, time), "input_blocks.0.0": (width, 6, 3, 3)}

    def block(name, before, after):
        shapes[f"{name}.in_layers.0"], shapes[f"{name}.in_layers.2"] = (before,), (after, before, 3, 3)
        shapes[f"{name}.emb_layers.1"] = (2 * after, time)
        shapes[f"{name}.out_layers.0"], shapes[f"{name}.out_layers.3"] = (after,), (after, after, 3, 3)
        if before != after:
            shapes[f"{name}.skip_connection"] = (after, before, 1, 1)

    def attend(name, channels):
        shapes[f"{name}.norm"], shapes[f"{name}.qkv"] = (channels,), (3 * channels, channels, 1)
        shapes[f"{name}.proj_out"] = (channels, channels, 1)

    channels, number, skips = width, 1, [width]
    for level, after in enumerate(widths):
        for _ in range(2):
            block(f"input_blocks.{number}.0", channels, after)
            if level >= len(widths) - attention:
                attend(f"input_blocks.{number}.1", after)
            channels, number = after, number + 1
            skips.append(channels)
        if level < len(widths) - 1:
            block(f"input_blocks.{number}.0", channels, channels)
            skips.append(channels)
            number += 1
    for index in (0, 2):
        block(f"middle_block.{index}", channels, channels)
    attend("middle_block.1", channels)
    number = 0
    for level, after in reversed(list(enumerate(widths))):
        for index in range(3):
            block(f"output_blocks.{number}.0", channels + skips.pop(), after)
            channels, inner = after, 1
            if level >= len(widths) - attention:
                attend(f"output_blocks.{number}.1", after)
                inner = 2
            if level and index == 2:
                block(f"output_blocks.{number}.{inner}", after, after)
            number += 1
    return shapes | {"out.0": (width,), "out.2": (3, width, 3, 3)}


def drawn(shapes, generator):
    """Weights and biases of these shapes; names that end in a gain or in ``weight`` are alone."""
    state = {}
    for name, shape in shapes.items():
        alone = name.endswith((".g", ".weight"))
        scale = 1 / math.sqrt(math.prod(shape[1:])) if len(shape) > 1 and not name.endswith(".g") else 0.3
        mean = 1.0 if len(shape) == 1 or name.endswith(".g") else 0.0
        state[name if alone else f"{name}.weight"] = mean + scale * torch.randn(shape, generator=generator)
        if not alone:
            state[f"{name}.bias"] = 0.1 * torch.randn(shape[0], generator=generator)
    return state


@pytest.fixture(scope="module")
def states():
    generator = torch.Generator().manual_seed(0)
    return drawn(shapes_of_residual(WIDTHS), generator), drawn(shapes_of_noise(NOISE_WIDTHS, ATTENTION), generator)


@pytest.fixture(scope="module")
def whole(states):
    """As their code saves it: the trained weights differ from the averaged ones, which its tests use."""
    residual, noise = states
    names = {f"res_model.unet.{key}": value for key, value in residual.items()}
    names |= {f"noise_model.{key}": value for key, value in noise.items()}
    trained = {key: value + 1 for key, value in names.items()} | {"alphas": torch.zeros(1000)}
    ema = {f"ema_model.{key}": value for key, value in names.items()}
    ema |= {f"online_model.{key}": value for key, value in trained.items()} | {"step": torch.tensor(7)}
    return {"step": 7, "model": trained, "ema": ema, "opt0": {"state": {}, "param_groups": []}, "scaler": None}


def at(state, name, kind="weight"):
    return state[f"{name}.{kind}"], state.get(f"{name}.bias")


def written_out_residual(state, image, time, widths=WIDTHS):
    """Their residual network, for sides that are multiples of 2 to the number of levels."""

    def normal(values, dims):
        mean, variance = values.mean(dims, keepdim=True), values.var(dims, unbiased=False, keepdim=True)
        return (values - mean) / (variance + 1e-5).sqrt()

    def block(name, x):
        scale, shift = F.linear(F.silu(embedding), *at(state, f"{name}.mlp.1"))[..., None, None].chunk(2, 1)
        inner = x
        for part in ("block1", "block2"):
            weight, bias = at(state, f"{name}.{part}.proj")
            inner = F.group_norm(
                F.conv2d(inner, normal(weight, (1, 2, 3)), bias, padding=1), 8, *at(state, f"{name}.{part}.norm")
            )
            inner = F.silu(inner * (1 + scale) + shift if part == "block1" else inner)
        return inner + (F.conv2d(x, *at(state, f"{name}.res_conv")) if f"{name}.res_conv.weight" in state else x)

    def attention(name, x):
        count, _, height, width = x.shape
        qkv = F.conv2d(normal(x, 1) * state[f"{name}.fn.norm.g"], state[f"{name}.fn.fn.to_qkv.weight"])
        q, k, v = (part.reshape(count, 4, 32, height * width) for part in qkv.chunk(3, 1))
        if name == "mid_attn":
            weights = torch.einsum("bhdi,bhdj->bhij", q / math.sqrt(32), k).softmax(-1)
            out = torch.einsum("bhij,bhdj->bhdi", weights, v).reshape(count, 128, height, width)
            return x + F.conv2d(out, *at(state, f"{name}.fn.fn.to_out"))
        context = torch.einsum("bhdn,bhen->bhde", k.softmax(-1), v / (height * width))
        out = torch.einsum("bhde,bhdn->bhen", context, q.softmax(2) / math.sqrt(32)).reshape(count, 128, height, width)
        return x + normal(F.conv2d(out, *at(state, f"{name}.fn.fn.to_out.0")), 1) * state[f"{name}.fn.fn.to_out.1.g"]

    half = widths[0] // 2
    angles = time * torch.exp(-math.log(10000) / (half - 1) * torch.arange(half))
    embedding = F.linear(torch.cat([angles.sin(), angles.cos()])[None], *at(state, "time_mlp.1"))
    embedding = F.linear(F.gelu(embedding), *at(state, "time_mlp.3"))
    first = x = F.conv2d(image, *at(state, "init_conv"), padding=3)
    skips = []
    for level in range(len(widths)):
        x = block(f"downs.{level}.0", x)
        skips.append(x)
        x = attention(f"downs.{level}.2", block(f"downs.{level}.1", x))
        skips.append(x)
        x = F.conv2d(x, *at(state, f"downs.{level}.3"), stride=1 if level == len(widths) - 1 else 2, padding=1)
    x = block("mid_block2", attention("mid_attn", block("mid_block1", x)))
    for level in range(len(widths)):
        x = block(f"ups.{level}.0", torch.cat([x, skips.pop()], 1))
        x = attention(f"ups.{level}.2", block(f"ups.{level}.1", torch.cat([x, skips.pop()], 1)))
        if level == len(widths) - 1:
            x = F.conv2d(x, *at(state, f"ups.{level}.3"), padding=1)
        else:
            x = F.conv2d(F.interpolate(x, scale_factor=2), *at(state, f"ups.{level}.3.1"), padding=1)
    return F.conv2d(block("final_res_block", torch.cat([x, first], 1)), *at(state, "final_conv"))


def written_out_noise(state, image, time, widths=NOISE_WIDTHS):
    """Guided diffusion's network with resampling residual blocks and heads of 64 channels."""

    def block(name, x, resample=None):
        scale, shift = F.linear(F.silu(embedding), *at(state, f"{name}.emb_layers.1"))[..., None, None].chunk(2, 1)
        inner = F.silu(F.group_norm(x, 32, *at(state, f"{name}.in_layers.0")))
        if resample:
            inner, x = resample(inner), resample(x)
        inner = F.conv2d(inner, *at(state, f"{name}.in_layers.2"), padding=1)
        inner = F.group_norm(inner, 32, *at(state, f"{name}.out_layers.0")) * (1 + scale) + shift
        inner = F.conv2d(F.silu(inner), *at(state, f"{name}.out_layers.3"), padding=1)
        skip = f"{name}.skip_connection"
        return inner + (F.conv2d(x, *at(state, skip)) if f"{skip}.weight" in state else x)

    def attend(name, x):
        flat = x.flatten(2)
        qkv = F.conv1d(F.group_norm(flat, 32, *at(state, f"{name}.norm")), *at(state, f"{name}.qkv"))
        q, k, v = qkv.reshape(len(x) * x.shape[1] // 64, 192, -1).split(64, 1)
        weights = torch.einsum("bct,bcs->bts", q / 8, k).softmax(-1)
        out = torch.einsum("bts,bcs->bct", weights, v).reshape(flat.shape)
        return (flat + F.conv1d(out, *at(state, f"{name}.proj_out"))).reshape(x.shape)

    def sequence(name, x):
        for index in range(3):
            if f"{name}.{index}.qkv.weight" in state:
                x = attend(f"{name}.{index}", x)
            elif f"{name}.{index}.in_layers.0.weight" in state:
                number, up = int(name.rpartition(".")[2]), name.startswith("output") and index > 0
                down = name.startswith("input") and number % 3 == 0
                x = block(f"{name}.{index}", x, halved if down else doubled if up else None)
        return x

    def halved(x):
        return F.avg_pool2d(x, 2)

    def doubled(x):
        return F.interpolate(x, scale_factor=2)

    half = widths[0] // 2
    angles = time * torch.exp(-math.log(10000) / half * torch.arange(half))
    embedding = F.linear(torch.cat([angles.cos(), angles.sin()])[None], *at(state, "time_embed.0"))
    embedding = F.linear(F.silu(embedding), *at(state, "time_embed.2"))
    skips = [F.conv2d(image, *at(state, "input_blocks.0.0"), padding=1)]
    for number in range(1, 3 * len(widths)):
        skips.append(sequence(f"input_blocks.{number}", skips[-1]))
    x = block("middle_block.2", attend("middle_block.1", block("middle_block.0", skips[-1])))
    for number in range(3 * len(widths)):
        x = sequence(f"output_blocks.{number}", torch.cat([x, skips.pop()], 1))
    return F.conv2d(F.silu(F.group_norm(x, 32, *at(state, "out.0"))), *at(state, "out.2"), padding=1)


def test_the_imported_networks_are_those_written_out(states, whole, tmp_path):
    torch.save(whole, tmp_path / "model-300.pt")
    networks, described = convert_drdd(read_checkpoint(tmp_path / "model-300.pt"))
    assert described == {
        "residual": {"name": "drdd-residual-released", "in_channels": 6, "widths": [*WIDTHS]},
        "noise": {
            "name": "drdd-noise-l",
            "in_channels": 6,
            "widths": [*NOISE_WIDTHS],
            "attention": ATTENTION,
            "middle_norm": True,
        },
    }
    image = torch.randn(1, 6, 16, 24, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        for name, written_out, state in zip(
            ("residual", "noise"), (written_out_residual, written_out_noise), states, strict=True
        ):
            expected = written_out(state, image, 712.5)
            assert expected.std() > 0.1
            torch.testing.assert_close(networks[name](image, time=712.5), expected, atol=2e-5, rtol=1e-4)


def test_a_checkpoint_becomes_a_restorer_of_two_stages(call, whole, tmp_path):
    torch.save(whole, tmp_path / "model-300.pt")
    output = tmp_path / "drdd.safetensors"
    status, out, _ = call("import-official", tmp_path / "model-300.pt", "--output", output)
    assert status == 0 and "DRDD's residual and noise networks" in out
    restorer, card = load_restorer(output)
    assert card["data_range"] == [-1, 1] and card["provenance"]["layout"] == "authors' code (DRDD)"
    chosen = restorer.options.model_dump()
    assert chosen | {"schedule": "released", "predicts": "noise", "sees": "input", "level": 1.0} == chosen
    write_png(tmp_path / "a.png", np.full((19, 21, 3), 90, np.uint8))
    assert call("restore", output, tmp_path / "a.png", "--output", tmp_path / "restored")[0] == 0


def test_what_is_not_both_networks_is_refused(call, whole, states, tmp_path):
    def said(state):
        torch.save(state, tmp_path / "odd.pt")
        status, _, err = call("import-official", tmp_path / "odd.pt", "--output", tmp_path / "odd.safetensors")
        assert status == 2 and err.count("\n") == 1 and "odd.pt" in err
        return err

    model = whole["model"]
    one = {key: value for key, value in model.items() if key.startswith("res_model.")}
    assert "levels are not those" in said({"model": one})
    assert "input_blocks.0.0.weight" in said(
        {"model": {key: value for key, value in model.items() if not key.endswith("input_blocks.0.0.weight")}}
    )
    first = "res_model.unet.downs.0.0.block1.proj.weight"
    assert "do not form the residual network" in said({"model": model | {first: torch.zeros(16, 8, 3, 3)}})
    with pytest.raises(WorkbenchError, match="levels are not those"):
        convert_drdd({"res_model.unet.downs.3.0.mlp.1.bias": torch.zeros(1)})
