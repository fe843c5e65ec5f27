"""Memory that stays with the process while large pictures are restored."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from workbench import heap
from workbench.restorers import load_restorer, restorer

MEASURED = """
import resource

import psutil
import torch

from workbench import heap


def faults():
    for _ in range(16):  # glibc keeps the first small pieces between them aside, and their places do not fit again
        torch.ones(10 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(6):
        torch.ones(10 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


outside = faults()
with heap.kept_memory():
    inside, held = faults(), psutil.Process().memory_info().rss
print(outside, inside, held - psutil.Process().memory_info().rss)
"""
"""Pages that the system had to give while tensors of 40 MB came and went, and what goes back at the end."""


@pytest.mark.skipif(heap._glibc() is None, reason="not the GNU C library")
@pytest.mark.usefixtures("warm_python")
def test_memory_is_given_once_and_goes_back_at_the_end():
    # In a process of its own: room that others have left would be taken again with and without
    told = subprocess.run([sys.executable, "-c", MEASURED], stdout=subprocess.PIPE, text=True, check=True).stdout
    outside, inside, returned = map(int, told.split())
    assert inside < outside / 3
    assert returned > 30 << 20


def test_only_the_first_changes_something_and_only_the_last_undoes_it(monkeypatch):
    calls = []
    library = SimpleNamespace(mallopt=lambda *given: calls.append(given), malloc_trim=lambda _: calls.append("trim"))
    monkeypatch.setattr(heap, "_glibc", lambda: library)
    with heap.kept_memory():
        assert calls == [(heap._MMAP_MAX, 0), (heap._TRIM_THRESHOLD, -1)]
        with pytest.raises(KeyError), heap.kept_memory():
            raise KeyError
        assert len(calls) == 2
    assert calls[-1] == "trim" and (heap._MMAP_MAX, 65536) in calls


def test_pictures_are_the_same_bit_for_bit(monkeypatch):
    denoiser, _ = load_restorer("denoise-photographs-pocket-adapted")
    image = np.random.default_rng(0).integers(0, 256, (150, 200, 3), dtype=np.uint8)
    expected = denoiser.restore(image / np.float32(255), 64)
    entered, kept = [], heap.kept_memory

    def noted():
        entered.append(True)
        return kept()

    monkeypatch.setattr(restorer, "kept_memory", noted)
    monkeypatch.setattr(restorer, "_LARGE", 0)
    assert np.array_equal(denoiser.restore(image / np.float32(255), 64), expected) and entered


def test_other_c_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(heap, "_glibc", lambda: None)
    with heap.kept_memory():
        pass
