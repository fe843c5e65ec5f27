"""What tests share."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"

# Small enough to train in seconds; the same code path as any recipe. Validated and saved at the ends alone.
TINY = [
    "restorer.width=4", "warm_start=null",
    "options.noise-space.diffusion.widths=[4, 8, 8]", "options.noise-space.head_start=2",
    "training.max_steps=8", "training.batch_size=4", "training.patch_size=16", "training.validate_every=1000",
    "training.checkpoint_every=1000", "training.log_every=2", "data.validation_images=1",
]  # fmt: skip
