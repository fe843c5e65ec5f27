import pytest

from workbench import devices


@pytest.mark.parametrize(
    ("cores", "said", "processes", "threads"),
    [(16, "", 1, 4), (16, "", 8, 2), (2, "", 1, 2), (2, "", 4, 1), (16, "3", 1, 3), (2, "many", 1, 2), (2, "0", 1, 2)],
)
def test_a_training_alone_takes_a_thread_a_core_or_what_the_environment_says(
    cores, said, processes, threads, monkeypatch
):
    monkeypatch.setattr(devices, "cores", lambda: cores)
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert devices.threads_alone(processes) == threads
