"""Two weights compared, measure by measure: weights with themselves do not differ, other ones do."""

import json

import pytest

from benchmarks import compare_weights
from benchmarks.no_harm.cells import choose
from monai_gan_recon.resources import RECONSTRUCTION, bundle_path


def test_weights_beside_themselves_and_their_ensemble(tmp_path, capsys):
    model = bundle_path(RECONSTRUCTION) / "models" / "model.pt"
    (system := tmp_path / "two.yaml").write_text("self_ensemble: 2")
    (cell,) = choose(["embedded-simulated-*"])
    for other, equal in ((model, True), (f"{model}@{system}", False)):
        weights = ["--weights", f"one={model}", f"two={other}"]
        compare_weights.main([*weights, "--cells", cell.name, "--slices", "1", "--output", str(tmp_path / "out.json")])
        pairs = json.loads((tmp_path / "out.json").read_text())["cells"][cell.name]
        assert set(pairs) == set(compare_weights.MEASURES)
        assert all((a == b) == equal for ((a, b),) in pairs.values())
        ((before, after),) = pairs["psnr_head"]
        assert f"{before:.2f} {after - before:+.2f}" in capsys.readouterr().out
    with pytest.raises(ValueError, match="--cells"):
        compare_weights.main([*weights, "--cells", "nothing"])
