"""What the samplers of residual diffusion must do whatever the reference says."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.diffusion import coupled, decoupled
from workbench.diffusion.mean_reverting import MeanRevertingSDE, decoupled_mean_reverting
from workbench.diffusion.residual_schedule import ResidualSchedule, level_in_255, timesteps
from workbench.errors import WorkbenchError

RELEASED, NORMALISED, RDDM = ResidualSchedule.released(), ResidualSchedule.normalised(), ResidualSchedule.rddm()
SDE = MeanRevertingSDE()


def _pair(seed=0, shape=(2, 3, 5, 4)):
    generator = torch.Generator().manual_seed(seed)
    clean, degraded = (2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1 for _ in range(2))
    return clean, degraded, torch.randn(shape, generator=generator, dtype=torch.float64)


@settings(max_examples=30, deadline=None)
@given(
    level=st.floats(0.01, 3.0),
    steps=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    eta=st.floats(0, 1),
    cut=st.booleans(),
)
def test_perfect_networks_give_the_clean_picture(level, steps, eta, cut):
    schedule = ResidualSchedule.normalised(level)
    if cut:  # a table that is not stretched, and its remainder
        schedule = ResidualSchedule.released(min(level, 1.0))
        steps = tuple(min(each, schedule.noise_steps) for each in steps)
    clean, degraded, noise = _pair()
    generator = torch.Generator().manual_seed(1)
    residual = degraded - clean
    remainder = (1 - schedule.alpha_bar[-1]) * residual

    def true_noise(state, step):
        return (state - clean - remainder) / schedule.beta_bar[step]

    states = list(
        decoupled.sample(
            schedule, degraded, noise, lambda state, step: residual, true_noise, *steps, eta,
            lambda: torch.randn(clean.shape, generator=generator, dtype=torch.float64),
        )
    )  # fmt: skip
    assert [state.stage for state in states] == ["start"] + ["residual"] * steps[0] + ["noise"] * steps[1]
    torch.testing.assert_close(states[-1].image, clean + remainder)


@settings(max_examples=30, deadline=None)
@given(level=st.floats(0.01, 2.0), steps=st.integers(1, 30))
def test_perfect_networks_give_the_clean_picture_in_coupled_sampling(level, steps):
    clean, degraded, noise = _pair()
    for schedule in (ResidualSchedule.rddm(level), ResidualSchedule.normalised(level)):
        states = list(coupled.sample(schedule, degraded, noise, lambda *_: (degraded - clean, noise), steps, False))
        assert len(states) == steps + 1
        torch.testing.assert_close(states[-1].image, clean)


def test_without_a_second_network_the_known_noise_is_subtracted():
    clean, degraded, noise = _pair()
    states = list(decoupled.sample(NORMALISED, degraded, noise, lambda *_: degraded - clean, None))
    assert [state.stage for state in states] == ["start", "residual", "residual", "noise"]
    torch.testing.assert_close(states[-1].image, clean)


@pytest.mark.parametrize("schedule", [NORMALISED, RDDM, ResidualSchedule.normalised(0.3)])
def test_schedules_rise_from_nothing_to_all(schedule):
    assert schedule.alpha_bar[0] == schedule.beta_bar[0] == 0
    assert (schedule.alpha_bar.diff() > 0).all() and (schedule.beta_bar.diff() > 0).all()
    assert schedule.alpha_bar[-1] == pytest.approx(1)
    assert schedule.beta_bar[-1] == pytest.approx(schedule.start_level)
    clean, degraded, noise = _pair()
    torch.testing.assert_close(
        decoupled.add_residual(schedule, clean, degraded - clean, noise, schedule.residual_steps),
        degraded + schedule.start_level * noise,
    )


def test_the_released_table_is_cut_at_a_lower_level():
    schedule = ResidualSchedule.released(0.5)
    assert schedule.residual_steps == 1000 > schedule.noise_steps
    assert schedule.beta_bar[-1] == pytest.approx(0.5, abs=0.002)
    assert torch.equal(schedule.beta_bar, RELEASED.beta_bar[: schedule.noise_steps + 1])


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_the_noise_stage_keeps_the_marginal_variance(eta):
    """A clean image of zeros: the optimal prediction is known, and so is the variance that must be left (Eq. 36)."""
    generator = torch.Generator().manual_seed(0)
    shape = (1, 1, 400, 500)
    state = torch.randn(shape, generator=generator, dtype=torch.float64)
    level = NORMALISED.beta_bar
    for step, next_step in ((1000, 400), (400, 150)):
        state = decoupled.remove_noise(
            NORMALISED, state, state / level[step], step, next_step, eta,
            lambda: torch.randn(shape, generator=generator, dtype=torch.float64),
        )  # fmt: skip
        assert state.var().item() == pytest.approx(level[next_step].item() ** 2, rel=0.02)


@pytest.mark.filterwarnings("ignore:__array__ implementation")
def test_the_noise_stage_without_draws_is_eulers_method_of_variance_exploding_diffusion():
    from diffusers import EulerDiscreteScheduler

    clean, _, noise = _pair(shape=(1, 3, 8, 8))
    stops = timesteps(1000, 5)
    scheduler = EulerDiscreteScheduler()
    scheduler.set_timesteps(5)
    scheduler.sigmas = NORMALISED.beta_bar[stops].float()
    state = theirs = (clean + noise).float()
    for (step, next_step), time in zip(zip(stops, stops[1:], strict=False), scheduler.timesteps, strict=True):
        predicted = (0.3 * state).tanh()
        scheduler.is_scale_input_called = True
        torch.testing.assert_close(theirs, state)
        theirs = scheduler.step(predicted, time, theirs).prev_sample
        state = decoupled.remove_noise(NORMALISED, state, predicted, step, next_step)
    torch.testing.assert_close(theirs, state)


def test_a_predicted_clean_image_says_what_the_noise_is():
    clean, _, noise = _pair()
    step = torch.tensor([3, 900])
    state = decoupled.add_noise(NORMALISED, clean, noise, step)
    torch.testing.assert_close(decoupled.noise_of(NORMALISED, state, clean, step), noise)


@pytest.mark.parametrize(("sigma", "step"), [(15, 158), (25, 230), (50, 414)])
def test_the_denoising_sde_starts_where_its_authors_do(sigma, step):
    assert MeanRevertingSDE.denoising().start_step(sigma) == step


def test_the_denoising_sde_denoises_with_the_true_noise():
    clean, _, noise = _pair()
    process = MeanRevertingSDE.denoising()
    level = float(process.sigma_bar[process.start_step(25)])
    states = list(process.denoise(clean + level * noise, 25, lambda *_: noise))
    assert len(states) == 231
    torch.testing.assert_close(states[-1].image, clean)


def test_the_denoising_bridge_is_a_drawing_step_of_the_noise_stage():
    """Eq. 44 is Eq. 8 at an eta above 1, by the square of what is left of the mean one step earlier."""
    clean, _, noise = _pair()
    process, step = MeanRevertingSDE.denoising(), 300
    here, there = (float(process.sigma_bar[each]) for each in (step, step - 1))
    variance = process.optimum_std(step) ** 2
    eta = variance / ((here**2 - there**2) * there**2 / here**2)
    assert eta == pytest.approx(float(process.decay[step - 1]) ** -2)
    state = clean + here * noise
    expected = state - (here - (there**2 - variance) ** 0.5) * noise
    torch.testing.assert_close(process.optimum(state, clean, clean, step), expected)


def test_the_decoupled_sde_holds_the_noise_while_the_residual_reverts():
    clean, degraded, noise = _pair()
    schedule = decoupled_mean_reverting()
    states = [decoupled.add_residual(schedule, clean, degraded - clean, noise, step) for step in range(101)]
    for step in (0, 50, 100):  # the solution of dx = theta (mu - x) dt from the noisy clean image
        mean = degraded + (clean - degraded) * SDE.decay[step]
        torch.testing.assert_close(states[step] - mean, 2 * SDE.sigma_bar[100] * noise)
    restored = list(
        decoupled.sample(schedule, degraded, noise, lambda *_: degraded - clean, lambda *_: noise, 100, 100)
    )[-1].image
    left = 0.005 * (degraded - clean) + 2 * (SDE.level - SDE.sigma_bar[100]) * noise
    torch.testing.assert_close(restored, clean + left)


@given(total=st.integers(1, 2000), steps=st.integers(1, 2000))
def test_timesteps_fall_from_all_to_none(total, steps):
    if steps > total:
        with pytest.raises(WorkbenchError, match=f"from 1 to {total}"):
            timesteps(total, steps)
        return
    stops = timesteps(total, steps)
    assert stops[0] == total and stops[-1] == 0 and len(stops) == steps + 1
    gaps = [before - after for before, after in zip(stops, stops[1:], strict=False)]
    assert min(gaps) >= total // steps and max(gaps) <= -(-total // steps)


def test_a_level_is_told_in_the_scale_of_pictures():
    assert level_in_255(1.0) == 127.5


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: ResidualSchedule.released(1.2), "noise level 1.2: the released schedule has levels from 0.01 to 1"),
        (lambda: ResidualSchedule.normalised(0.0), "noise level 0.0: give a positive number"),
        (lambda: ResidualSchedule.rddm(float("nan")), "noise level nan: give a positive number"),
        (lambda: _sample(residual_steps=0), "sampling steps 0: give a number from 1 to 1000"),
        (lambda: _sample(noise_steps=1001), "sampling steps 1001: give a number from 1 to 1000"),
        (lambda: _sample(eta=1.5), "eta 1.5: give a number from 0"),
        (lambda: _sample(eta=0.5), "eta 0.5 draws noise: say where from"),
        (lambda: _sample(noise=torch.zeros(1, 3, 8, 9)), "unequal sizes: degraded 1x3x8x8, noise 1x3x8x9"),
        (lambda: _sample(residual=torch.zeros(1, 3, 8, 9)), "unequal sizes: state 1x3x8x8, residual 1x3x8x9"),
        (lambda: MeanRevertingSDE(0), "steps 0: give at least 1"),
        (lambda: MeanRevertingSDE(remainder=1.0), "remainder 1.0 between 0 and 1"),
        (lambda: MeanRevertingSDE.denoising().start_step(90), "sigma 90: this process reaches up to 69.9"),
    ],
)
def test_what_is_impossible_is_said_in_one_line(call, said):
    with pytest.raises(WorkbenchError) as raised:
        call()
    assert said in str(raised.value) and "\n" not in str(raised.value)


def _sample(noise=None, residual=None, **options):
    zeros = torch.zeros(1, 3, 8, 8)
    noise, residual = (zeros if image is None else image for image in (noise, residual))
    list(decoupled.sample(NORMALISED, zeros, noise, lambda *_: residual, lambda *_: zeros, **options))
