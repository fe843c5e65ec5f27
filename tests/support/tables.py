"""Evaluations as tables take them."""

from workbench.evaluation.sets import EvaluationSet

SIDD = EvaluationSet("sidd/validation", "data/sidd/validation", "sidd/validation", 1280)
OWN = EvaluationSet("own", "photos/own", None, None)
PROVENANCE = {"commit": "0123456789ab"}


def report(psnr=30.0, ssim=0.9, lpips=None, images=1280, protocol="blocks-volume", failed=()):
    return {
        "protocol": protocol, "images": [{"name": str(index)} for index in range(images)],
        "mean": {"psnr": psnr, "ssim": ssim, "lpips": lpips}, "input_mean": dict.fromkeys(("psnr", "ssim", "lpips")),
        "failed": [{"name": name} for name in failed],
    }  # fmt: skip
