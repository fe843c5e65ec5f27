"""Decoupled, coupled and mean-reverting residual diffusion: processes and samplers."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from workbench.diffusion import coupled, decoupled
from workbench.diffusion.mean_reverting import MeanRevertingSDE
from workbench.diffusion.residual_schedule import ResidualSchedule, timesteps

RELEASED, NORMALISED, RDDM = ResidualSchedule.released(), ResidualSchedule.normalised(), ResidualSchedule.rddm()
SDE = MeanRevertingSDE()


@pytest.fixture
def reference(golden):
    with np.load(golden / "golden_drdd.npz") as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


def standin(reference, kind, degraded, gain=1.0):
    """The reference's stand-in network: a convolution of state and degraded image, scaled by the time it is told."""
    weight, bias = reference[f"standin_{kind}_weight"], reference[f"standin_{kind}_bias"]

    def network(state, time):
        time = torch.as_tensor(time).float().reshape(-1, 1, 1, 1)
        return gain * F.conv2d(torch.cat([state, degraded], dim=1), weight, bias, padding=1) * (1 + time / 2000)

    return network


def scaled(reference, symmetric=True):
    clean, degraded = reference["clean01"], reference["degraded01"]
    return (2 * clean - 1, 2 * degraded - 1) if symmetric else (clean, degraded)


def close(actual, expected, tolerance=1e-5):
    torch.testing.assert_close(actual.float(), expected.float(), atol=tolerance, rtol=0)


def unit_range(states):
    return torch.stack([(state.image + 1) / 2 for state in states])


def test_tables_are_the_references(reference):
    close(RELEASED.alpha_bar[1:], reference["drdd_alphas_cumsum"], 2e-6)
    close(RELEASED.beta_bar[1:], reference["drdd_betas_cumsum"], 2e-6)
    close(RDDM.alpha_bar[1:], reference["rddm1_alphas_cumsum"], 2e-6)
    close(RDDM.beta_bar[1:], reference["rddm1_betas_cumsum"], 2e-6)
    close(SDE.theta, reference["irsde10_thetas"], 2e-6)
    close(SDE.sigma_bar, reference["irsde10_sigma_bars"], 2e-6)
    assert SDE.dt == pytest.approx(float(reference["irsde10_dt"]), abs=1e-6)


def test_states_are_the_references(reference):
    clean, degraded = scaled(reference)
    step = reference["drdd_t"] + 1
    images = [image[:1].expand(8, -1, -1, -1) for image in (clean, degraded - clean, reference["noise"])]
    close(decoupled.add_noise(RELEASED, images[0], images[2], step), reference["drdd_q_noise"])
    close(decoupled.add_residual(RELEASED, *images, step), reference["drdd_q_res"])
    close(coupled.add_both(RDDM, *images, step), reference["rddm1_q"])


def test_losses_are_the_references(reference):
    clean, degraded = scaled(reference)
    residual, noise, step = degraded - clean, reference["noise"], reference["drdd_loss_t"] + 1
    predict_residual, predict_noise = (standin(reference, kind, degraded) for kind in ("res", "noise"))
    time = 1000 * RELEASED.alpha_bar[step], 1000 * RELEASED.beta_bar[step]
    close(time[0], reference["drdd_loss_res_time_input"], 1e-3)
    close(time[1], reference["drdd_loss_noise_time_input"], 1e-3)
    state = decoupled.add_residual(RELEASED, clean, residual, noise, step)
    close(F.mse_loss(predict_residual(state, time[0]), residual), reference["drdd_loss_res"])
    state = decoupled.add_noise(RELEASED, clean, noise, step)
    close(F.mse_loss(predict_noise(state, time[1]), noise), reference["drdd_loss_noise"])
    state = coupled.add_both(RDDM, clean, residual, noise, step)
    loss = F.l1_loss(predict_residual(state, step - 1), residual) + F.l1_loss(predict_noise(state, step - 1), noise)
    close(loss, reference["rddm1_loss"])


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("networks", ["oracle", "standin"])
def test_decoupled_sampling_is_the_references(reference, networks, steps):
    clean, degraded = (image[:1] for image in scaled(reference))
    noise, times = reference["noise"][:1], []
    residual_net, noise_net = (standin(reference, kind, degraded) for kind in ("res", "noise"))

    def predict_residual(state, step):
        times.append(1000 * RELEASED.alpha_bar[step])
        return degraded - clean if networks == "oracle" else residual_net(state, times[-1])

    def predict_noise(state, step):
        times.append(1000 * RELEASED.beta_bar[step])
        return noise if networks == "oracle" else noise_net(state, times[-1])

    states = list(decoupled.sample(RELEASED, degraded, noise, predict_residual, predict_noise, steps, steps))
    close(unit_range(states), reference[f"drdd_{networks}_{steps}_{steps}_states"])
    if networks == "standin":
        close(torch.stack(times), reference[f"drdd_standin_{steps}_{steps}_time_inputs"], 1e-3)
    else:
        remainder = 1 - RELEASED.alpha_bar[-1]
        close(states[-1].image, clean + remainder * (degraded - clean) + (1 - RELEASED.beta_bar[-1]) * noise)


def _standins(reference, degraded):
    residual_net, noise_net = (standin(reference, kind, degraded) for kind in ("res", "noise"))
    return (
        lambda state, step: residual_net(state, 1000 * RELEASED.alpha_bar[step]),
        lambda state, step: noise_net(state, 1000 * RELEASED.beta_bar[step]),
    )


def test_another_start_level_is_the_references(reference):
    degraded = scaled(reference)[1][:1]
    schedule = dataclasses.replace(RELEASED, start_level=0.8)
    states = decoupled.sample(schedule, degraded, reference["noise"][:1], *_standins(reference, degraded))
    close(unit_range(states), reference["drdd_standin_2_2_scale0.64_states"])


def test_only_the_noise_stage_draws_unlike_the_references(reference):
    degraded = scaled(reference)[1][:1]
    networks = _standins(reference, degraded)
    theirs = reference["drdd_standin_5_5_eta1_states"]
    generator = torch.Generator().manual_seed(0)
    ours = unit_range(
        decoupled.sample(
            RELEASED, degraded, reference["noise"][:1], *networks, 5, 5, 1.0,
            lambda: torch.randn(degraded.shape, generator=generator),
        )
    )  # fmt: skip
    close(ours[:6], reference["drdd_standin_5_5_states"][:6])
    assert (ours[5] - theirs[5]).std() > 0.1
    state, stops = 2 * theirs[5] - 1, timesteps(1000, 5)
    draws = iter(reference["extra_noise"][4:])
    for index, (step, next_step) in enumerate(zip(stops, stops[1:], strict=False), start=6):
        noise = networks[1](state, step)
        state = decoupled.remove_noise(RELEASED, state, noise, step, next_step, 1.0, lambda: next(draws))
        close((state + 1) / 2, theirs[index])


def test_a_drawing_step_is_the_papers_equation(reference):
    clean = scaled(reference)[0][:1]
    noise = reference["noise"][:1]
    state = decoupled.add_noise(RELEASED, clean, noise, 1000)
    drawn = decoupled.remove_noise(RELEASED, state, noise, 1000, 500, 1.0, lambda: reference["extra_noise"][0])
    close(drawn, reference["own_eq8_eta1_999_499"])


@pytest.mark.parametrize("steps", [2, 5])
@pytest.mark.parametrize("networks", ["oracle", "standin"])
def test_coupled_sampling_is_the_references(reference, networks, steps):
    clean, degraded = (image[:1] for image in scaled(reference))
    noise = reference["noise"][:1]
    residual_net, noise_net = (standin(reference, kind, degraded) for kind in ("res", "noise"))

    def predict(state, step):
        if networks == "oracle":
            return degraded - clean, noise
        return residual_net(state, step - 1), noise_net(state, step - 1)

    states = unit_range(coupled.sample(RDDM, degraded, noise, predict, steps))
    close(states, reference[f"rddm1_{networks}_{steps}_states"])


def test_mean_reversion_is_the_references(reference):
    clean, degraded = scaled(reference, symmetric=False)
    step = reference["irsde10_t"]
    images = [image[:1].expand(5, -1, -1, -1) for image in (clean, degraded, reference["noise"])]
    state = SDE.state(*images, step)
    close(state, reference["irsde10_state"])
    close(SDE.optimum(state, *images[:2], step), reference["irsde10_optimum"])
    close(SDE.reverse_mean(state, *images[1:], step), reference["irsde10_sde_mean"])
    close(torch.tensor([SDE.optimum_std(each) for each in step.tolist()]), reference["irsde10_optimum_std"])
    step, noise = reference["irsde10_loss_t"], reference["noise"]
    state = SDE.state(clean, degraded, noise, step)
    predicted = standin(reference, "noise", degraded)(state - degraded, step)
    mean = SDE.reverse_mean(state, degraded, predicted, step)
    close(F.l1_loss(mean, SDE.optimum(state, clean, degraded, step)), reference["irsde10_loss"])


@pytest.mark.parametrize("networks", ["oracle", "standin"])
def test_posterior_sampling_is_the_references(reference, networks):
    clean, degraded = (image[:1] for image in scaled(reference, symmetric=False))
    network = standin(reference, "noise", degraded, gain=0.2)

    def predict(state, step):
        if networks == "standin":
            return network(state - degraded, step)
        return (state - degraded - SDE.decay[step] * (clean - degraded)) / SDE.sigma_bar[step]

    extra = reference["extra_noise"]
    draws = iter(extra[index % 24] for index in range(100))
    *_, last = SDE.sample(degraded, reference["noise"][:1], predict, lambda: next(draws))
    expected = reference[f"irsde10_posterior_{networks}"]
    # The stand-in drives the picture to 18 times its range; there the reference's float32 coefficients are good to 1e-4
    close(last.image, expected, 1e-5 if networks == "oracle" else 1e-4 * float(expected.abs().max()))
