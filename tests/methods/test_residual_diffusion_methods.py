"""DRDD, its rivals and their restorers: training, sampling, putting stages together, what is refused."""

import math
import sys

import numpy as np
import pytest
import torch
from support import TINY
from torch import nn

from workbench.cli import main
from workbench.data.domains import training_stream
from workbench.data.streams import step_batches
from workbench.errors import WorkbenchError
from workbench.methods import METHODS
from workbench.methods.base import Diverged
from workbench.probes.sampling import samples, seed_spread, stops
from workbench.recipes import VARIANTS, load_recipe
from workbench.restorers import KINDS, Restorer, load_restorer, save_restorer
from workbench.restorers.assembling import assemble
from workbench.restorers.cost import restoring_gmacs
from workbench.restorers.residual_diffusion import WITHOUT_NOISE
from workbench.runs.folder import Run
from workbench.training import fit

OURS = ("drdd", "entangled", "rddm", "ir-sde", "de-irsde", "direct")
SMALL = "{name: drdd-pocket, widths: [16]}"


def recipe(method, *settings):
    return load_recipe("denoise-pocket", [*TINY, f"options.{method}.network={SMALL}", *settings], method=method)


def build(method, *settings):
    torch.manual_seed(0)
    return METHODS[method](recipe(method, *settings))


def batch_of(module, size=4):
    stream = training_stream(module.recipe.data, module.parts, 16, seed=0)
    return next(iter(step_batches(stream, size)))


CASES = [
    *((method,) for method in OURS),
    ("drdd", "options.drdd.predicts=noise"),
    ("drdd", "options.drdd.sees=target"),
    ("drdd", "options.drdd.sees=target", "options.drdd.predicts=noise", "options.drdd.loss=l2"),
    ("drdd", "options.drdd.schedule=released", "options.drdd.level=0.3"),
    ("drdd", "options.drdd.stages=residual"),
    ("drdd", "options.drdd.stages=noise", "options.drdd.sees=target"),
    ("entangled", "options.entangled.predicts=noise"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(case))
def test_losses_are_finite_and_teach_every_network(case):
    module = build(*case)
    losses = module.losses(batch_of(module), step=3)
    assert all(torch.isfinite(value) for value in losses.values())
    if len(losses) > 1:
        torch.testing.assert_close(losses["loss"], sum(losses.values()) - losses["loss"])
    losses["loss"].backward()
    assert set(module.restorer) == set(KINDS[module.kind].networks)
    for network in module.restorer.values():
        assert all(parameter.grad.abs().sum() > 0 for parameter in network.parameters() if parameter.ndim > 1)


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(case))
def test_its_restorer_takes_any_size_and_is_a_function_of_its_seed(case):
    restorer = build(*case).exported()
    image = np.random.default_rng(0).random((21, 30, 3), dtype=np.float32)
    shown = []
    restored = restorer.restore(image, trace=lambda name, picture: shown.append((name, picture)))
    assert restored.shape == image.shape and np.isfinite(restored).all()
    assert np.array_equal(restored, restorer.restore(image))
    if restorer.kind == "direct":
        assert not shown
        return
    pictures = dict(shown)
    if restorer.kind != "ir-sde":
        np.testing.assert_allclose(pictures[f"start{WITHOUT_NOISE}"], image, atol=1e-6)
        assert {name for name in pictures if WITHOUT_NOISE not in name} == {n.partition(",")[0] for n in pictures}
    assert "start" in pictures and len(shown) > 2
    np.testing.assert_allclose(shown[-1][1], restored, atol=1e-6)
    assert not np.array_equal(restored, restorer.with_options({"seed": 1}).restore(image))


def test_the_spread_over_seeds_is_that_of_what_samples():
    image = np.random.default_rng(0).random((18, 20, 3), dtype=np.float32)
    sampling, plain = build("drdd").exported(), build("direct").exported()
    restored = [sampling.with_options({"seed": seed}).restore(image) for seed in (0, 1)]
    spread = seed_spread(sampling, image, (0, 1))
    np.testing.assert_allclose(spread, np.abs(restored[0] - restored[1]) / 2**0.5, atol=1e-6)
    assert samples("drdd") and not samples("direct") and not stops(plain, image)
    for restorer, seeds, reason in ((plain, (0, 1), "do not sample"), (sampling, (0,), "two seeds")):
        with pytest.raises(WorkbenchError, match=reason):
            seed_spread(restorer, image, seeds)


@pytest.mark.parametrize("method", OURS)
def test_tiles_make_the_picture_of_the_whole(method):
    restorer = build(method).exported()
    image = np.random.default_rng(0).random((70, 90, 3), dtype=np.float32)
    np.testing.assert_allclose(restorer.restore(image, tile=32), restorer.restore(image), atol=2e-5)


class Oracle(nn.Module):
    """Knows the clean picture and answers as a perfect network would."""

    multiple, halo = 1, 0

    def __init__(self, clean, answer):
        super().__init__()
        self.clean, self.answer = clean, answer

    def forward(self, *images, time, window=None):
        return self.answer(self.clean, *images, time)


def oracles(predicts, sees):
    def residual(clean, _state, degraded, _time):
        return degraded - clean

    def noise(clean, state, *rest):
        degraded, level = rest[0], rest[-1] / 1000
        if predicts == "noise":
            return (state - clean) / level
        if sees == "input":
            return degraded - clean
        variance = 0.25 + level**2  # the state comes divided by its root
        return (clean - 0.25 / variance * (state * variance**0.5)) / (0.5 * level / variance**0.5)

    return residual, noise


@pytest.mark.parametrize("predicts", ["clean", "noise"])
@pytest.mark.parametrize("sees", ["input", "target"])
@pytest.mark.parametrize("steps", [(1, 1), (2, 3)])
def test_perfect_networks_restore_perfectly(predicts, sees, steps):
    rng = np.random.default_rng(0)
    clean, degraded = (rng.random((6, 7, 3), dtype=np.float32) for _ in range(2))
    told = 2 * torch.from_numpy(clean).permute(2, 0, 1)[None] - 1
    networks = dict(zip(("residual", "noise"), (Oracle(told, each) for each in oracles(predicts, sees)), strict=True))
    options = {
        "predicts": predicts, "sees": sees, "residual_steps": steps[0], "noise_steps": steps[1], "eta": 0.7,
        "level": 0.8,
    }  # fmt: skip
    done = []
    restorer = Restorer(networks, "drdd", options, data_range=(-1, 1))
    restored = restorer.restore(degraded, progress=lambda *state: done.append(state) and None)
    np.testing.assert_allclose(restored, clean, atol=1e-5)
    way, shares = stops(restorer, degraded), []
    for stop in way:
        if stop.name.startswith("noise"):
            np.testing.assert_allclose(stop.without_noise, clean, atol=1e-5)
        else:
            left = stop.without_noise - clean
            shares.append(float((left / (degraded - clean)).mean()))
            np.testing.assert_allclose(left, shares[-1] * (degraded - clean), atol=1e-4)
    assert shares[0] == pytest.approx(1) and shares[-1] == pytest.approx(0, abs=1e-4)
    assert len(way) == 1 + sum(steps) and shares == sorted(shares, reverse=True)
    assert done == [(count + 1, sum(steps)) for count in range(sum(steps))]
    alone = Restorer({"residual": networks["residual"]}, "drdd-residual", data_range=(-1, 1))
    np.testing.assert_allclose(alone.restore(degraded), clean, atol=1e-5)


def test_the_second_stage_learns_from_clean_pictures_alone():
    module = build("drdd", "options.drdd.sees=target")
    batch = batch_of(module)
    before = module.losses(batch, 0)
    batch["degraded"] = torch.rand_like(batch["degraded"])
    batch["clean"] = torch.rand_like(batch["clean"])
    after = module.losses(batch, 0)
    assert after["noise"] == before["noise"] and after["residual"] != before["residual"]
    batch["unpaired"] = torch.rand_like(batch["unpaired"])
    assert module.losses(batch, 0)["noise"] != before["noise"]
    assert build("drdd", "options.drdd.sees=target", "options.drdd.stages=noise").parts == {"unpaired", "seed"}


def test_a_stage_alone_learns_what_it_learns_beside_the_other(tmp_path):
    def trained(stages):
        return fit(recipe("drdd", f"options.drdd.stages={stages}", "options.drdd.level=0.3"), tmp_path, stages)

    runs = {stages: trained(stages) for stages in ("residual", "noise")}
    image = np.random.default_rng(0).random((18, 20, 3), dtype=np.float32)
    alone = runs["residual"].restorer(), runs["noise"].restorer()
    whole = assemble(*alone)
    assert set(whole.networks) == {"residual", "noise"} and whole.options.level == 0.3
    save_restorer(tmp_path / "whole.safetensors", whole, provenance={})
    loaded, _ = load_restorer(tmp_path / "whole.safetensors")
    np.testing.assert_array_equal(loaded.restore(image), whole.restore(image))
    shown = {}
    whole.restore(image, trace=lambda name, picture: shown.setdefault(name, picture))
    first = {}
    alone[0].restore(image, trace=lambda name, picture: first.setdefault(name, picture))
    np.testing.assert_array_equal(shown["residual 0"], first["residual 0"])


def test_stages_apart_are_runs_that_are_found_again(tmp_path):
    def put_together(name, *settings):
        run = fit(recipe("drdd", "options.drdd.stages=apart", *settings), tmp_path, name)
        return run, {role: tmp_path / ".warm-starts" / each["name"] for role, each in run.summary["needs"].items()}

    run, stages = put_together("whole")
    whole = run.restorer()
    assert (whole.kind, run.summary["steps"], run.summary["warm_start"]) == ("drdd", 0, None)
    for role, folder in stages.items():
        (alone,) = Run(folder).restorer().networks.values()
        for ours, theirs in zip(whole.networks[role].parameters(), alone.parameters(), strict=True):
            assert torch.equal(ours, theirs)
        assert Run(folder).recipe.options["drdd"]["stages"] == role and Run(folder).summary["steps"] == 8
    _, again = put_together("sampled otherwise", "options.drdd.noise_steps=3")
    assert again == stages, "how it is sampled is nothing to the stages"
    _, blind = put_together("blind", "options.drdd.sees=target")
    assert blind["residual"] == stages["residual"] and blind["noise"] != stages["noise"], "nothing to the first stage"
    _, other = put_together("another level", "options.drdd.level=0.3")
    assert not set(other.values()) & set(stages.values())


def test_stages_are_put_together_on_the_command_line(tmp_path, monkeypatch, capsys):
    for stages, settings in (("residual", []), ("noise", []), ("other", ["options.drdd.level=0.5"])):
        module = build("drdd", f"options.drdd.stages={'noise' if stages == 'other' else stages}", *settings)
        save_restorer(tmp_path / f"{stages}.safetensors", module.exported(), provenance={"of": stages})

    def run(*names):
        paths = [str(tmp_path / f"{name}.safetensors") for name in names]
        arguments = ["workbench", "assemble", *paths, "--output", str(tmp_path / "whole.safetensors")]
        monkeypatch.setattr(sys, "argv", arguments)
        with pytest.raises(SystemExit) as done:
            main()
        return done.value.code, capsys.readouterr()

    code, said = run("residual", "noise")
    assert code in (0, None) and "whole.safetensors" in said.out
    restorer, card = load_restorer(tmp_path / "whole.safetensors")
    assert restorer.kind == "drdd" and card["provenance"] == {"residual": {"of": "residual"}, "noise": {"of": "noise"}}
    code, said = run("noise", "residual")
    assert code == 2 and said.err.count("\n") == 1 and "cannot be put together" in said.err
    code, said = run("residual", "other")
    assert code == 2 and "another level, 1.0 and 0.5" in said.err


MIXTURE = "data.mixture=[{degradation: {name: awgn, sigma: [5, 5]}}, {degradation: {name: awgn, sigma: [50, 50]}}]"


@pytest.mark.parametrize("method", ["drdd", "entangled", "ir-sde"])
def test_continued_equals_uninterrupted(method, tmp_path, monkeypatch):
    settings = (MIXTURE, "training.max_steps=6", "training.validate_every=6")
    whole = fit(recipe(method, *settings), tmp_path, "whole")
    losses = METHODS[method].losses

    def broken(self, batch, step):
        return {name: value * (1 if step < 5 else math.nan) for name, value in losses(self, batch, step).items()}

    with monkeypatch.context() as patched:
        patched.setattr(METHODS[method], "losses", broken)
        with pytest.raises(Diverged, match="step 5"):
            fit(recipe(method, *settings), tmp_path, "stopped")
    resumed = fit(recipe(method, *settings), tmp_path, "stopped", resume=True)
    states = [torch.load(run.checkpoint, weights_only=True)["state_dict"] for run in (whole, resumed)]
    assert states[0]["residual_count"].sum() > 0
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_a_pass_of_the_networks_together_is_refused():
    with pytest.raises(WorkbenchError, match="restores by a procedure"):
        build("drdd").evaluated(torch.rand(1, 3, 16, 16))


def test_losses_of_a_mixture_are_balanced_by_the_size_of_residuals():
    module = build("direct", MIXTURE)
    batch = batch_of(module, size=32)
    residual = 2 * (batch["degraded"] - batch["clean"])
    weights = module.weights(batch, residual)
    each = residual.square().flatten(1).mean(dim=1) * weights**2
    small, large = (each[batch["entry"] == entry].mean() for entry in (0, 1))
    assert small == pytest.approx(large.item(), rel=1e-4)
    assert weights[batch["entry"] == 0][0] + weights[batch["entry"] == 1][0] == pytest.approx(2)
    counted = module.state_dict()["residual_count"]
    assert counted.sum() == 32
    module.weights(batch, 2 * residual)
    assert module.residual_count.sum() == 64
    plain = build("direct", MIXTURE, "options.direct.balanced=false")
    assert plain.weights(batch, residual) is None
    assert build("direct").weights({}, residual) is None


def test_a_sparse_residual_weighs_no_more_than_a_dense_one_of_its_energy():
    module = build("direct", MIXTURE)
    dense = torch.full((1, 3, 8, 8), 0.1)
    sparse = torch.zeros(1, 3, 8, 8)
    sparse[..., ::4, ::4] = 0.4
    weights = module.weights({"entry": torch.tensor([0, 1])}, torch.cat([dense, sparse]))
    assert weights.tolist() == pytest.approx([1.0, 1.0])


def test_the_cost_of_restoring_is_that_of_all_passes():
    drdd, direct = build("drdd").exported(), build("direct").exported()
    once = restoring_gmacs(drdd.with_options({"residual_steps": 1, "noise_steps": 1}))
    assert restoring_gmacs(drdd) == pytest.approx(2 * once) and restoring_gmacs(direct) < once / 2
    assert restoring_gmacs(build("ir-sde", "options.ir-sde.steps=3").exported()) == pytest.approx(1.5 * once)


def test_the_entangled_network_has_about_the_parameters_of_both():
    for scale in ("pocket", "bench", "paper"):
        counts = {}
        for method in ("drdd", "entangled"):
            with torch.device("meta"):
                module = METHODS[method](load_recipe(f"denoise-{scale}", method=method))
            counts[method] = sum(parameter.numel() for parameter in module.restorer.parameters())
        assert counts["entangled"] == pytest.approx(counts["drdd"], rel=0.06)


def test_de_irsde_is_drdd_under_another_table():
    options = build("de-irsde").exported().options
    assert options.schedule == "mean-reverting" and options.level == pytest.approx(20 / 255)
    assert math.isclose(build("de-irsde").schedule.beta_bar[-1].item(), 20 / 255, rel_tol=1e-4)


ROWS = {
    "Table 3": {"ir-sde", "de-irsde"},
    "Table 8": {"known-noise", "entangled"},
    "Table 10": {"steps-2-2", "steps-2-5", "steps-5-2", "steps-5-5", "steps-10-10"},
    "Table C.9": {"level-0.1", "level-0.5", "level-0.8", "level-1.0", "level-1.5", "level-2.0"},
    "Fig. 5": {"data-75", "data-50", "data-25"},
    "Fig. 6": {"level-0.8", "level-1.0", "level-1.3"},
}


@pytest.mark.parametrize(
    "name", sorted(set().union(*ROWS.values(), {"level-0.3", "data-5", "data-1", "targets-alone"}))
)
def test_the_rows_of_the_papers_tables_are_variants_that_train_and_restore(name):
    assert all(place in VARIANTS[f"drdd-{name}"].description for place, names in ROWS.items() if name in names)
    chosen = load_recipe(f"drdd-denoise-pocket+drdd-{name}", TINY)
    module = METHODS[chosen.method](
        load_recipe(f"drdd-denoise-pocket+drdd-{name}", [*TINY, f"options.{chosen.method}.network={SMALL}"])
    )
    assert torch.isfinite(module.losses(batch_of(module), step=0)["loss"])
    restorer = module.exported()
    assert np.isfinite(restorer.restore(np.full((16, 16, 3), 0.5, np.float32))).all()
    first, _, rest = name.partition("-")
    if first == "level":
        assert restorer.options.level == float(rest) == module.schedule.start_level
    if first == "steps":
        assert (restorer.options.residual_steps, restorer.options.noise_steps) == tuple(map(int, rest.split("-")))
    if first == "data":
        assert chosen.data.fraction == int(rest) / 100


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["options.drdd.residual_steps=0"], "residual_steps"),
        (["options.drdd.noise_steps=1001"], "sampling steps 1001: give a number from 1 to 1000"),
        (["options.drdd.eta=1.5"], "eta"),
        (["options.drdd.level=1.2", "options.drdd.schedule=released"], "noise level 1.2: the released schedule"),
        (["options.drdd.sees=both"], "sees"),
        (["options.drdd.network={name: drdd-pocket, width: 3}"], "does not take"),
    ],
)
def test_wrong_settings_are_one_line(settings, said):
    with pytest.raises(WorkbenchError, match=said) as raised:
        build("drdd", *settings)
    assert "\n" not in str(raised.value)


def test_a_restorer_with_a_missing_network_is_refused(tmp_path):
    restorer = build("drdd").exported()
    with pytest.raises(WorkbenchError, match="needs the network 'noise', which is missing"):
        Restorer({"residual": restorer.networks["residual"]}, "drdd")
    for options, said in (({"eta": 2}, "eta"), ({"noise_steps": 0}, "noise_steps"), ({"level": 0}, "level")):
        with pytest.raises(WorkbenchError, match=said):
            restorer.with_options(options)
