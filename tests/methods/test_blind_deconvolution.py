"""Deblurring each image by itself."""

import numpy as np
import pytest
import torch
from support import TINY

from workbench import nets
from workbench.data.degradations.blur import blur, path_kernel, straight_path
from workbench.errors import WorkbenchError
from workbench.methods import METHODS
from workbench.nets.blind_deconvolution import (
    centroid,
    divergence,
    expected_error,
    reblur,
    structural_dissimilarity,
)
from workbench.recipes import load_recipe
from workbench.restore import restore_array
from workbench.restorers import Restorer, load_restorer, save_restorer
from workbench.training import fit

SMALL = {"kernel_size": 5, "width": 4, "skip": 2, "levels": 2, "hidden": 8}


def psnr(image, reference):
    return -10 * np.log10(np.mean((image - reference) ** 2))


@pytest.mark.parametrize("name", ["selfdeblur", "vdip"])
def test_any_size_is_restored_reproducibly_and_leaves_the_start_as_it_is(name):
    torch.manual_seed(0)
    restorer = nets.build(name, steps=10, **SMALL).eval()
    before = {key: value.clone() for key, value in restorer.state_dict().items()}
    for shape in ((3, 5), (17, 20)):
        image = np.random.default_rng(0).random((*shape, 3), np.float32)
        restored = restore_array(restorer, image)
        assert restored.shape == image.shape and np.isfinite(restored).all()
        assert np.array_equal(restored, restore_array(restorer, image))
    assert all(torch.equal(value, before[key]) for key, value in restorer.state_dict().items())


def test_there_is_nothing_to_train():
    with pytest.raises(WorkbenchError, match="learns nothing over images"):
        nets.build("selfdeblur", **SMALL)(torch.rand(1, 3, 16, 16))
    with pytest.raises(WorkbenchError, match="does not take"):
        nets.build("selfdeblur", kernel_size=4)
    with pytest.raises(WorkbenchError, match="options.vdip.network: unet-pocket is no network of the kind 'per-image'"):
        METHODS["vdip"](load_recipe("deblur-pocket", ["options.vdip.network={name: unet-pocket}"], method="vdip"))


def test_reblur_is_a_convolution_where_the_kernel_lies_inside():
    image = torch.rand(1, 3, 9, 10)
    kernel = torch.zeros(3, 3)
    kernel[0, 2] = 1.0
    assert torch.equal(reblur(image, kernel), image[..., 0:7, 2:10])
    assert centroid(kernel) == (0, 2)
    kernel[2, 2] = 1.0
    assert centroid(kernel / 2) == (1, 2)


def test_selfdeblur_follows_the_error_first_and_the_structure_after():
    network = nets.build("selfdeblur", **SMALL)
    made, blurred = torch.rand(1, 3, 24, 24), torch.rand(1, 3, 20, 20)
    kernel = torch.full((5, 5), 1 / 25)
    again = reblur(made, kernel)
    rng = torch.Generator()
    assert network.loss(made, kernel, blurred, 9, 100, rng) == torch.nn.functional.mse_loss(again, blurred)
    assert network.loss(made, kernel, blurred, 10, 100, rng) == structural_dissimilarity(again, blurred)
    assert structural_dissimilarity(blurred, blurred) == pytest.approx(0, abs=1e-6)
    assert structural_dissimilarity(again, blurred) > 0.3


def test_vdip_weighs_values_and_differences():
    residual = torch.zeros(1, 1, 5, 5)
    residual[..., 2, 2] = 1.0
    blurred = torch.rand(1, 1, 5, 5)
    # One pixel of 1: 4 first differences; of the second ones -2 in the middle and two 1 along each axis, 8 mixed of 1.
    assert expected_error(blurred + residual, blurred) == pytest.approx(1 / 2 + 4 / 2 + (2 * 6 + 8) / 8, rel=1e-5)
    assert expected_error(blurred, blurred) == 0


def test_vdips_priors_want_uncertain_pixels_few_edges_and_an_even_kernel():
    kernel = torch.full((3, 3), 1 / 9)
    deviation = torch.full((1, 3, 8, 8), 0.1, requires_grad=True)
    mean = torch.rand(1, 3, 8, 8, requires_grad=True)
    divergence(mean, deviation, kernel).backward()
    smoother = (mean - 1e-3 * mean.grad).detach()
    assert smoother.diff(dim=-1).square().mean() < mean.diff(dim=-1).square().mean()
    pixel = torch.zeros(3, 3)
    pixel[1, 1] = 1.0
    assert divergence(mean, deviation, pixel) > divergence(mean, deviation, kernel)
    # Where the mean is flat, a smaller deviation costs entropy
    flat, narrow = torch.full_like(mean, 0.5), deviation.detach() * 0.5
    assert divergence(flat, narrow, kernel) > divergence(flat, deviation, kernel)
    # The steepest edges are smoothed the least, as a sparse prior does
    step = torch.zeros(1, 3, 8, 8)
    step[..., 4:] = 0.5
    step[..., :4, :] += 0.05
    step.requires_grad_()
    divergence(step, torch.full_like(step, 1e-3), kernel).backward()
    assert step.grad[0, 0, 1, 4].abs() < step.grad[0, 0, 4, 1].abs()


@pytest.mark.parametrize("method", ["selfdeblur", "vdip"])
def test_a_run_writes_the_procedure_out(method, tmp_path):
    settings = (
        f"options.{method}.network={{name: {method}, steps: 3, width: 4, levels: 2, hidden: 8, kernel_size: 5}}",
    )
    run = fit(load_recipe("deblur-pocket", [*TINY, *settings], method=method), tmp_path)
    assert run.finished and run.summary["steps"] == 0 and run.summary["warm_start"] is None
    assert run.recipe.restorer.name == method
    image = np.random.default_rng(0).random((20, 20, 3), np.float32)
    restored = restore_array(run.restorer(), image)
    assert restored.shape == image.shape
    again = fit(run.recipe, tmp_path, resume=True)
    assert np.array_equal(restored, restore_array(again.restorer(), image))
    other = fit(load_recipe("deblur-pocket", [*TINY, *settings], method=method, seed=1), tmp_path)
    assert not np.array_equal(restored, restore_array(other.restorer(), image)), "the seed is that of the start"


def test_as_many_steps_as_the_papers_can_be_loaded(tmp_path):
    settings = {"steps": 5000, **SMALL}
    file, network = tmp_path / "restorer.safetensors", {"name": "vdip", **settings}
    save_restorer(file, Restorer.of(nets.build("vdip", **settings), network), provenance={})
    restorer, _ = load_restorer(file)
    assert restorer.options.steps == 5000


def drawn(side):
    """Squares and discs of plain colours."""
    rng = np.random.default_rng(3)
    picture = np.full((side, side, 3), 0.4, np.float32)
    rows, columns = np.mgrid[:side, :side]
    for _ in range(14):
        colour, (row, column), size = rng.random(3), rng.integers(5, side - 5, 2), rng.integers(5, 13)
        square = (abs(rows - row) < size) & (abs(columns - column) < size)
        disc = (rows - row) ** 2 + (columns - column) ** 2 < size * size
        picture[square if rng.random() < 0.5 else disc] = colour
    return picture


def test_selfdeblur_recovers_a_known_blur():
    picture = drawn(78)
    kernel = path_kernel(straight_path(9, 0.6), 5)
    inside = slice(15, 63), slice(15, 63)
    sharp, blurred = picture[inside], blur(picture, kernel)[inside].astype(np.float32)
    torch.manual_seed(0)
    restorer = nets.build("selfdeblur-pocket", kernel_size=11, width=32, steps=150).eval()
    assert psnr(restore_array(restorer, blurred), sharp) > psnr(blurred, sharp) + 1.5
