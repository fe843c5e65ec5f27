"""Gradient magnitude similarity deviation: how unevenly a picture's edges agree with the reference's; 0 for equal ones.

Xue, Zhang, Mou, Bovik: Gradient Magnitude Similarity Deviation, IEEE Transactions on Image Processing 23 (2), 2014;
here of luma at full size.
"""

import numpy as np

from workbench.evaluation import Metric, NoValue, Sample


class GradientSimilarity(Metric):
    """The standard deviation of the gradients' similarity over the picture."""

    name, title, better, digits = "gmsd", "GMSD", "lower", 4

    def measure(self, sample: Sample) -> float:
        """At least 0."""
        if min(sample.picture.shape[:2]) < 3:
            raise NoValue("GMSD needs at least 3 pixels a side")
        ours, theirs = (_gradient(image) for image in (sample.picture, sample.reference))
        c = 170  # of 8-bit values, as in the paper
        return float(np.std((2 * ours * theirs + c) / (ours**2 + theirs**2 + c)))


def _gradient(image: np.ndarray) -> np.ndarray:
    full = 1 if image.dtype == np.uint8 else 255
    rows, columns = np.gradient(full * image.mean(axis=2, dtype=np.float64))
    return np.hypot(rows, columns)
