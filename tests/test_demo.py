import json

import pytest
from support import TINY

from apps.restorers import DEMO_PAIR
from workbench.demo import run_demo
from workbench.images import read_image


@pytest.mark.usefixtures("warm_python")
def test_demo_trains_both_measures_and_draws(tmp_path, capsys):
    result = run_demo(tmp_path, settings=TINY)
    for domain in ("target", "source"):
        assert set(result[domain]) == {"input", "vanilla", "noise-space"}
        assert all({"psnr", "ssim", "lpips"} == set(scores) for scores in result[domain].values())
    assert result["seconds"] > 0 and json.dumps(result, allow_nan=False)
    # sigma 25 is 20.17 dB unclipped; the 8-bit picture that is measured is clipped, which helps a little
    assert result["source"]["input"]["psnr"] == pytest.approx(20.6, abs=0.6)
    out = capsys.readouterr().out
    assert f"{result['target']['noise-space']['psnr']:.2f}" in out and "simulated camera" in out
    overview = read_image(tmp_path / "demo-s0" / "overview.png").pixels
    assert overview.shape[0] > 500 and overview.std() > 10
    assert len(list((tmp_path / "demo-s0").glob("*.png"))) == 5
    assert all((tmp_path / name / "summary.json").is_file() for name in DEMO_PAIR), "the app looks for them"
    again = run_demo(tmp_path, settings=TINY)
    assert again["target"] == result["target"], "finished runs are reused"
