"""The search for compressed sensing's weights, on a slice that comes with an installed package."""

import json

from benchmarks import select_compressed_sensing
from monai_gan_recon.data import load_manifest


def test_the_best_weight_of_each_setting_is_written(tmp_path):
    file = tmp_path / "out" / "result.json"
    options = ["--datalist", "embedded_train", "--size", "32", "48", "--slices", "1", "--iterations", "2"]
    select_compressed_sensing.main([*options, "--weights", "0.01", "1000", "--output", str(file)])
    result = json.loads(file.read_text())
    assert result["people"] == [e["person"] for e in load_manifest("embedded_train", section="validation")]
    assert {(r["method"], r["track"], r["rate"]) for r in result["results"]} == {
        (method, track, rate)
        for method in ("wavelet", "tv")
        for track in ("replica", "simulated")
        for rate in (0.09375, 0.49609375)
    }
    for row in result["results"]:
        assert row["psnr"][str(row["best"])] == max(row["psnr"].values())
