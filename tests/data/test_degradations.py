"""The synthetic degradations, and rain and shake before the simulated camera."""

import math
import os
import shutil
import subprocess
import sys
import tomllib

import numpy as np
import pytest
from support import ROOT, TESTS
from support.photos import flat

from workbench.data.camera import Camera
from workbench.data.degradations import (
    DEGRADATIONS,
    GROUP,
    AdditiveWhiteGaussianNoise,
    CameraShake,
    Composite,
    Edges,
    Haze,
    Holes,
    LayeredRain,
    LinearMotionBlur,
    LowLight,
    LowResolution,
    PoissonNoise,
    RainStreaks,
    SaltAndPepperNoise,
    Snow,
    build,
    cut,
    degraded_pair,
    margin_of,
)
from workbench.data.degradations.blur import blur, path_kernel, random_path, straight_path
from workbench.data.degradations.depth import smooth_depth
from workbench.data.degradations.rain import streak_layer
from workbench.data.embedded import simulated_target
from workbench.evaluation.metrics import psnr

UNCLIPPED = {"awgn", "poisson", "correlated-noise", "developed-noise"}


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_shape_type_range_and_determinism(name, picture):
    degradation, before = DEGRADATIONS[name](), picture.copy()
    degraded = degradation(picture, np.random.default_rng(3))
    assert degraded.shape == picture.shape and degraded.dtype == np.float32
    np.testing.assert_array_equal(picture, before)
    np.testing.assert_array_equal(degraded, degradation(picture, np.random.default_rng(3)))
    assert not np.array_equal(degraded, degradation(picture, np.random.default_rng(4)))
    if name not in UNCLIPPED:
        assert 0 <= degraded.min() and degraded.max() <= 1


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_black_white_and_tiny_patches_are_degraded_too(name):
    for clean in (flat(0.0, 16), flat(1.0, 16), flat(0.5, 3)):
        assert np.isfinite(DEGRADATIONS[name]()(clean, np.random.default_rng(0))).all()


@pytest.mark.parametrize(
    ("degradation", "field", "wrong"),
    [
        (PoissonNoise, "peak", (0.0, 10.0)),
        (SaltAndPepperNoise, "density", (0.1, 1.1)),
        (RainStreaks, "length", (9.0, 3.0)),
        (LayeredRain, "density", (0.0, 3.0)),
        (LayeredRain, "opacity", (0.5, 1.5)),
        (LinearMotionBlur, "length", (-1.0, 3.0)),
        (CameraShake, "highlights", (0.5, 3.0)),
        (Haze, "airlight", (0.5, 1.5)),
        (LowLight, "exposure", (0.0, 0.5)),
        (Holes, "covered", (0.1, 1.1)),
        (Holes, "width", (0.5, 3.0)),
        (LowResolution, "factor", (0.5, 2.0)),
        (Edges, "scale", (0.0, 2.0)),
        (Snow, "size", (0.0, 2.0)),
        (Snow, "opacity", (0.5, 1.1)),
        (Composite, "parts", ("haze", "fog")),
        (Composite, "parts", ("composite",)),
        (Composite, "parts", ("correlated-noise",)),
        (Composite, "parts", ()),
    ],
)
def test_ranges_are_checked(degradation, field, wrong):
    with pytest.raises(ValueError, match=field):
        degradation(**{field: wrong})


# Noise


@pytest.mark.parametrize("value", [0.1, 0.8])
def test_poisson_variance_is_signal_over_peak(value):
    noisy = PoissonNoise((100.0, 100.0))(flat(value, 256), np.random.default_rng(0))
    assert noisy.mean() == pytest.approx(value, rel=0.01)
    assert noisy.var() == pytest.approx(value / 100, rel=0.03)


def test_salt_and_pepper_rates():
    noisy = SaltAndPepperNoise((0.1, 0.1))(flat(0.5, 256), np.random.default_rng(0))
    for extreme in (0, 1):
        hit = noisy == extreme
        assert hit.mean() == pytest.approx(0.05, abs=0.005)
        np.testing.assert_array_equal(hit.all(axis=2), hit.any(axis=2))
    assert set(np.unique(noisy)) == {0, 0.5, 1}


# Rain


@pytest.mark.parametrize("seed", range(5))
def test_additive_rain_only_brightens_and_equally_in_all_channels(seed, picture):
    added = RainStreaks()(picture * 0.3, np.random.default_rng(seed)) - picture * 0.3
    assert added.min() >= 0 and added.max() > 0.1
    np.testing.assert_allclose(added[..., 0], added[..., 2], atol=1e-6)


def test_layered_rain_brightens_the_dark_and_spares_the_bright():
    rain = LayeredRain(opacity=(0.6, 0.6), veil=(0.0, 0.0))
    half = flat(0.02)
    half[:, 64:] = 0.6
    added = rain(half, np.random.default_rng(0)) - half
    assert added[:, :64].min() > -1e-6
    assert added[:, :64].mean() > 5 * abs(added[:, 64:].mean())


def test_veil_lifts_what_is_far():
    veiled = LayeredRain(density=(1e-6, 1e-6), veil=(0.5, 0.5))(flat(0.05), np.random.default_rng(0))
    assert veiled[:10].mean() > veiled[-10:].mean() + 0.02


def test_streaks_have_the_angle_length_and_strength_they_are_asked_for():
    angle = math.radians(30)
    layer = streak_layer((400, 400), np.random.default_rng(2), density=0.02, length=40, angle=angle, width=1.0)
    assert 0.6 < layer.max() < 1.2
    rows, columns = np.nonzero(layer > 0.3)
    one = np.hypot(rows - rows[0], columns - columns[0]) < 60
    extent = rows[one] - rows[one].mean(), columns[one] - columns[one].mean()
    values, vectors = np.linalg.eigh(np.cov(extent))
    down, across = vectors[:, 1]
    assert math.atan2(abs(across), abs(down)) == pytest.approx(angle, abs=0.05)
    assert down * across < 0  # it leans to the right at the top
    assert 25 < math.sqrt(12 * values[1]) < 42


def test_streaks_are_as_many_as_the_density_says():
    counts = [
        streak_layer((100, 100), np.random.default_rng(s), density=2, length=10, angle=0, width=0.5).sum()
        for s in range(30)
    ]
    one = streak_layer((100, 100), np.random.default_rng(0), density=200, length=10, angle=0, width=0.5).sum() / 2000
    assert np.mean(counts) / one == pytest.approx(20, rel=0.15)


# Blur


@pytest.mark.parametrize("seed", range(5))
def test_kernels_are_centred_and_sum_to_one(seed):
    rng = np.random.default_rng(seed)
    for path in (random_path(20.0, rng), straight_path(15.0, rng.uniform(0, math.pi))):
        kernel = path_kernel(path, 10)
        assert kernel.min() >= 0 and kernel.sum() == pytest.approx(1, abs=1e-5)
        row, column = np.mgrid[-10:11, -10:11]
        assert (kernel * row).sum() == pytest.approx(0, abs=1e-3)
        assert (kernel * column).sum() == pytest.approx(0, abs=1e-3)


def test_random_paths_have_their_extent_and_differ():
    paths = [random_path(24.0, np.random.default_rng(seed)) for seed in range(20)]
    assert all(np.hypot(*path.T).max() == pytest.approx(12) for path in paths)
    lengths = [np.hypot(*np.diff(path, axis=0).T).sum() for path in paths]
    assert max(lengths) > 2 * min(lengths)


def test_blur_equals_the_definition(picture):
    rng = np.random.default_rng(0)
    kernel = rng.random((7, 7), dtype=np.float32)
    padded = np.pad(picture, [(3, 3), (3, 3), (0, 0)], mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (7, 7), axis=(0, 1))
    expected = np.einsum("hwcij,ij->hwc", windows, kernel[::-1, ::-1])
    np.testing.assert_allclose(blur(picture, kernel), expected, atol=2e-5)


@pytest.mark.parametrize("degradation", [LinearMotionBlur(), CameraShake(highlights=(1.0, 1.0))])
def test_blur_keeps_flat_pictures_and_the_mean(degradation, picture):
    np.testing.assert_allclose(degradation(flat(0.4), np.random.default_rng(0)), 0.4, atol=1e-5)
    blurred = degradation(picture, np.random.default_rng(1))
    assert blurred.mean() == pytest.approx(picture.mean(), abs=0.01)
    assert np.abs(np.diff(blurred, axis=0)).mean() < np.abs(np.diff(picture, axis=0)).mean()


@pytest.mark.parametrize("name", ["motion-blur", "camera-shake"])
def test_within_the_margin_lies_all_that_matters(name):
    """Changing what lies outside a crop with its margin does not change the crop."""
    degradation = DEGRADATIONS[name]()
    margin = margin_of(degradation)
    clean = np.random.default_rng(0).random((120, 120, 3), dtype=np.float32)
    changed = np.pad(cut(clean, 1), [(1, 1), (1, 1), (0, 0)])
    for seed in range(10):
        both = [degraded_pair(degradation, image, np.random.default_rng(seed))[1] for image in (clean, changed)]
        assert both[0].shape == (120 - 2 * margin, 120 - 2 * margin, 3)
        np.testing.assert_allclose(*both, atol=1e-5)


def test_shake_differs_from_place_to_place():
    dots = flat(0.0, 300)
    dots[30::80, 30::80] = 0.5
    blurred = CameraShake(extent=(10.0, 10.0), roll=(6.0, 6.0))(dots, np.random.default_rng(0))[..., 0]
    first, last = blurred[10:51, 10:51], blurred[250:291, 250:291]
    assert first.sum() == pytest.approx(0.5, rel=0.02) and last.sum() == pytest.approx(0.5, rel=0.02)
    assert np.abs(first - last).sum() > 0.3


def test_highlights_leave_bright_traces():
    dot = flat(0.0, 64)
    dot[31:33, 31:33] = 1.0
    dim, bright = (
        CameraShake(extent=(20.0, 20.0), highlights=(gain, gain))(dot, np.random.default_rng(1)) for gain in (1.0, 4.0)
    )
    assert bright.max() > 2 * dim.max() and bright.max() <= 1


# Haze and low light


@pytest.mark.parametrize("seed", range(3))
def test_haze_pulls_to_the_airlight_with_depth(seed):
    haze = Haze(thickness=(1.5, 1.5), airlight=(0.9, 0.9))
    rng = np.random.default_rng(seed)
    rng.uniform(size=2)
    depth = smooth_depth((64, 64), rng)
    hazy = haze(flat(0.2, 64), np.random.default_rng(seed))[..., 0]
    np.testing.assert_allclose((0.9 - hazy) / 0.7, np.exp(-1.5 * depth), atol=1e-5)
    assert depth[:8].mean() > depth[-8:].mean()


def test_low_light_is_darker_by_its_exposure_and_noisier_in_the_bright():
    low = LowLight(exposure=(0.1, 0.1), shot_gain=(0.001, 0.001))
    dark, bright = (low(flat(value), np.random.default_rng(0)) ** 2.2 for value in (0.3, 0.9))
    assert bright.mean() == pytest.approx(0.1 * 0.9**2.2, rel=0.02)
    assert bright.std() > 1.5 * dark.std()


# What is missing


@pytest.mark.parametrize("seed", range(3))
def test_holes_cover_their_share_in_strokes_and_leave_the_rest_alone(seed, picture):
    clean = 0.1 + 0.9 * picture
    degraded = Holes(covered=(0.3, 0.3), width=(4.0, 4.0))(clean, np.random.default_rng(seed))
    missing = (degraded == 0).all(axis=2)
    np.testing.assert_array_equal(degraded[~missing], clean[~missing])
    assert 0.3 <= missing.mean() < 0.36
    inner = missing[1:-1, 1:-1] & missing[2:, 1:-1] & missing[:-2, 1:-1] & missing[1:-1, 2:] & missing[1:-1, :-2]
    assert inner.sum() > 0.3 * missing.sum(), "strokes, not single pixels"


def test_a_hole_in_the_middle_has_half_the_side_for_a_quarter():
    degraded = Holes(shape="center", covered=(0.25, 0.25))(flat(0.5, 64), np.random.default_rng(0))
    expected = flat(0.5, 64)
    expected[16:48, 16:48] = 0
    np.testing.assert_array_equal(degraded, expected)
    assert not Holes(covered=(1.0, 1.0))(flat(0.5, 20), np.random.default_rng(0)).any()


def test_low_resolution_keeps_what_a_coarse_grid_holds():
    columns = np.arange(128) / 128
    coarse, fine = (0.5 + 0.2 * np.sin(2 * np.pi * waves * columns) for waves in (2, 12))
    for wave, kept in ((coarse, True), (fine, False)):
        clean = np.broadcast_to(wave[None, :, None], (128, 128, 3)).astype(np.float32)
        lost = LowResolution(factor=(8.0, 8.0))(clean, np.random.default_rng(0))
        inside = (lost - clean)[:, 16:-16]
        assert (np.abs(inside).max() < 0.02) if kept else lost[:, 16:-16].std() < 0.1 * clean.std()


def test_edges_are_lines_where_the_picture_changes_and_only_there(picture):
    clean = flat(0.2, 64)
    clean[16:48, 16:48] = 0.8
    lines = Edges()(clean, np.random.default_rng(0)) == 0
    np.testing.assert_array_equal(lines.all(axis=2), lines.any(axis=2))
    row = np.flatnonzero(lines[32, :, 0])
    assert {*row} <= {15, 16, 47, 48} and row.min() < 20 < 40 < row.max()
    assert not lines[24:40, 24:40].any() and not lines[:10].any()
    fewer, more = ((Edges((scale, scale))(picture, np.random.default_rng(0)) == 0).mean() for scale in (3.0, 1.0))
    assert 0 < fewer < more < 0.5


def test_snow_brightens_soft_spots_here_and_there():
    snowed = Snow(density=(3.0, 3.0))(flat(0.2, 256), np.random.default_rng(0))
    assert snowed.min() >= 0.2 - 1e-6 and snowed.max() > 0.5
    assert 0.005 < (snowed > 0.3).all(axis=2).mean() < 0.5
    more = Snow(density=(6.0, 6.0))(flat(0.2, 256), np.random.default_rng(0))
    assert more.mean() > snowed.mean()


def test_a_composite_is_its_parts_in_their_order(picture):
    both, rng = build("composite", {"parts": ["motion-blur", "awgn"]}), np.random.default_rng(0)
    assert margin_of(both) == LinearMotionBlur().margin
    expected = AdditiveWhiteGaussianNoise()(LinearMotionBlur()(picture, rng).clip(0, 1), rng).clip(0, 1)
    np.testing.assert_array_equal(both(picture, np.random.default_rng(0)), expected)


# Before the simulated camera


def test_effects_reach_the_photograph_and_not_the_reference(picture):
    camera = Camera(shot_gain=(0.0, 0.0), jpeg_quality=None)
    still, _ = camera.shoot(picture, np.random.default_rng(0))
    rain = LayeredRain(opacity=(0.8, 0.8), density=(10.0, 10.0))
    photograph, reference = camera.shoot(picture, np.random.default_rng(0), rain)
    np.testing.assert_array_equal(reference, still)
    assert photograph.astype(int).mean() > reference.mean() + 1
    shake = CameraShake()
    photograph, reference = camera.shoot(picture, np.random.default_rng(0), shake)
    np.testing.assert_array_equal(reference, cut(still, shake.margin))
    assert not np.array_equal(photograph, reference)


@pytest.mark.parametrize(("domain", "expected"), [("simulated-rain", (22, 27)), ("simulated-shake", (25, 30))])
def test_held_out_rolls(domain, expected):
    roll = simulated_target("held-out", "mild", domain=domain)
    assert all(shot.photograph.shape == shot.reference.shape == (256, 256, 3) for shot in roll)
    assert expected[0] < np.mean([psnr(shot.photograph, shot.reference, 255) for shot in roll]) < expected[1]


def test_rain_is_not_more_camera_noise():
    """What rain adds is brighter on average than what it covers; noise is not."""
    roll = simulated_target("train", "mild", shots=6, size=128, domain="simulated-rain")
    quiet = simulated_target("train", "mild", shots=6, size=128)
    rain, noise = (
        np.mean([shot.photograph.astype(float) - shot.reference for shot in shots]) for shots in (roll, quiet)
    )
    assert rain > 3 and abs(noise) < 1


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("awgn", {"sigma": [15, 15]}), ("poisson", {"peak": [102, 102]}),
        ("salt-and-pepper", {"density": [0.04, 0.04]}), ("layered-rain", {"distances": [0.5, 1.0], "slant": 3}),
        ("camera-shake", {"spacing": 64}),
    ],
)  # fmt: skip
def test_a_degradation_is_built_from_its_name_and_options(name, options):
    built = build(name, options)
    assert type(built) is DEGRADATIONS[name]
    for key, value in options.items():
        assert getattr(built, key) == (tuple(value) if isinstance(value, list) else value)


EXAMPLE = TESTS / "example_degradation"


def test_the_page_shows_the_example_as_it_is():
    page = (ROOT / "docs" / "adding-a-degradation.md").read_text()
    for file in ("banding.py", "pyproject.toml"):
        assert (EXAMPLE / file).read_text() in page, f"{file} and docs/adding-a-degradation.md differ"


@pytest.mark.usefixtures("warm_python")
def test_a_degradation_of_another_package_is_an_option_of_recipes_beside_a_broken_one(tmp_path):
    shutil.copy(EXAMPLE / "banding.py", tmp_path)
    metadata = tmp_path / "banding-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: banding\nVersion: 0.1.0\n")
    offered = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]["entry-points"][GROUP]
    lines = [f"{name} = {place}" for name, place in (offered | {"fog": "not_there:Fog"}).items()]
    (metadata / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines, ""]))
    script = """
from workbench.data.domains import training_stream
from workbench.recipes.schema import Data
data = Data(degradation={"name": "banding", "sigma": [5, 5]})
sample = training_stream(data, frozenset({"source"}), 64, seed=0)[0]
rows = 255 * (sample["degraded"] - sample["clean"])
print(bool(rows.std(dim=2).max() < 1e-3 or rows.std(dim=1).max() < 1e-3), 3 < float(rows.std()) < 7)
try:
    Data(degradation={"name": "banding", "width": 5})
except ValueError as error:
    print("its options are: sigma" in str(error))
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["True"] * 3, done
    assert done.stderr.startswith("workbench: degradation 'fog' of package banding is left out")
    assert done.stderr.count("\n") == 1
