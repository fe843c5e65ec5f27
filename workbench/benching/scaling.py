"""A model, not a measurement, of how long a training takes on several devices."""

from __future__ import annotations

DEVICES = (1, 8, 64)
BANDWIDTH = {1: float("inf"), 8: 200e9, 64: 25e9}
"""Bytes a second that each device exchanges in an all-reduce: within a machine, and between machines of eight."""


def modelled_seconds(step: float, gradient_bytes: float, devices: int, bandwidth: float) -> float:
    """Seconds of a step whose batch is shared by devices.

    The computation is divided, and nothing of the exchange of gradients is hidden behind it: a ring moves
    ``2 (n - 1) / n`` times their size [1]_. Batches so small that a device is no longer busy are not modelled.

    Parameters
    ----------
    step : float
        Seconds of a step on one device, measured.
    gradient_bytes : float
        Of all networks that are trained.
    devices : int
    bandwidth : float
        Bytes a second of each device.

    References
    ----------
    .. [1] P. Patarasuk and X. Yuan. Bandwidth optimal all-reduce algorithms for clusters of workstations.
           J. Parallel Distrib. Comput. 69, 2009.
    """
    return step / devices + 2 * (devices - 1) / devices * gradient_bytes / bandwidth


def model_line(step: float, gradient_bytes: float, steps: int) -> str:
    """What the model says of a whole training."""
    hours = {count: steps * modelled_seconds(step, gradient_bytes, count, BANDWIDTH[count]) / 3600 for count in DEVICES}
    said = ", ".join(f"{value:.3g} h on {count}" for count, value in hours.items())
    size = f"{gradient_bytes / 1e6:.0f} MB of gradients"
    return f"a model, not a measurement: {steps:,} steps take {said} such devices ({size})"
