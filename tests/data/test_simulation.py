"""Pairs of the simulated camera on disk: as a roll's, gone on with, never mixed up."""

import numpy as np
import pytest

from workbench.data.camera import CAMERAS, Photograph, Roll
from workbench.data.degradations import LayeredRain
from workbench.data.folders import matched_pairs
from workbench.data.simulation import RECORD, simulate_pairs, simulation_of
from workbench.errors import WorkbenchError
from workbench.images import read_image, write_png


@pytest.fixture
def clean(tmp_path):
    """A folder of two pictures, one of them in a folder below."""
    rng = np.random.default_rng(0)
    (tmp_path / "clean" / "below").mkdir(parents=True)
    for name in ("a.png", "below/b.png"):
        write_png(tmp_path / "clean" / name, rng.integers(0, 256, (60, 70, 3), np.uint8))
    return tmp_path / "clean"


def pictures_of(folder):
    return [tuple(read_image(path).pixels for path in (pair.degraded, pair.clean)) for pair in matched_pairs(folder)]


def test_pairs_are_those_of_a_roll(clean, tmp_path):
    simulation = simulation_of([str(clean)], "layered-rain", camera="mild", size=64, shots=3, seed=5)
    assert simulate_pairs(simulation, tmp_path / "pairs") == 3
    scenes = [Photograph(name, read_image(clean / name).pixels) for name in ("a.png", "below/b.png")]
    roll = Roll(scenes, CAMERAS["mild"], 5, 3, 64, LayeredRain())
    shots = [roll[0], roll[2], roll[1]]  # by name: a-000, a-002, below-b-001
    for (photograph, reference), shot in zip(pictures_of(tmp_path / "pairs"), shots, strict=True):
        np.testing.assert_array_equal(photograph, shot.photograph)
        np.testing.assert_array_equal(reference, shot.reference)
    assert not np.array_equal(roll[0].photograph, roll[2].photograph)


def test_it_goes_on_with_what_is_missing_and_refuses_what_was_made_otherwise(clean, tmp_path):
    simulation, output = simulation_of([str(clean)], None, size=48), tmp_path / "pairs"
    simulate_pairs(simulation, output)
    (first, second), before = sorted((output / "input").iterdir()), pictures_of(output)
    first.unlink()
    kept = second.stat().st_mtime_ns
    assert simulate_pairs(simulation, output) == 2 and second.stat().st_mtime_ns == kept
    for pair, again in zip(before, pictures_of(output), strict=True):
        np.testing.assert_array_equal(pair, again)
    with pytest.raises(WorkbenchError, match=f"{RECORD}: these pairs were made in another way"):
        simulate_pairs(simulation_of([str(clean)], None, size=48, seed=1), output)
    write_png(clean / "c.png", np.zeros((60, 70, 3), np.uint8))
    with pytest.raises(WorkbenchError, match="made in another way"):
        simulate_pairs(simulation, output)
    with pytest.raises(WorkbenchError, match="is not empty"):
        simulate_pairs(simulation, clean)


def test_deep_pictures_are_taken_and_small_ones_named(clean, tmp_path):
    write_png(clean / "a.png", read_image(clean / "a.png").pixels.astype(np.uint16) * 257)
    simulate_pairs(simulation_of([str(clean)], None, size=48, shots=1), tmp_path / "pairs")
    write_png(clean / "a.png", (read_image(clean / "a.png").pixels // 257).astype(np.uint8))
    simulate_pairs(simulation_of([str(clean)], None, size=48, shots=1), tmp_path / "eight")
    for deep, eight in zip(pictures_of(tmp_path / "pairs"), pictures_of(tmp_path / "eight"), strict=True):
        assert np.abs(np.subtract(deep, eight, dtype=int)).mean() < 0.1
    write_png(clean / "a.png", np.zeros((10, 10, 3), np.uint8))
    with pytest.raises(WorkbenchError, match=r"a\.png: too small; camera-shake needs more surroundings"):
        simulate_pairs(simulation_of([str(clean)], "camera-shake"), tmp_path / "small")


@pytest.mark.parametrize(
    ("effect", "settings", "message"),
    [
        ("rain", {}, "simulate: effect: no degradation is called 'rain'"),
        ("pairs", {}, "simulate: effect: pairs does nothing to the light"),
        ("{name: camera-shake, extent: [12, 3]}", {}, "effect: extent must be two rising numbers"),
        ("{", {}, "--effect '{' is not a valid value"),
        (None, {"camera": "old"}, "simulate: camera: Input should be 'mild'"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(effect, settings, message):
    with pytest.raises(WorkbenchError) as caught:
        simulation_of(["."], effect, **settings)
    assert message in str(caught.value) and "\n" not in str(caught.value)
