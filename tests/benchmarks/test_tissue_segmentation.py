"""The benchmark of the tissue segmentation: its steps and what they need."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks import tissue_segmentation


@pytest.mark.parametrize(("step", "missing"), [("paired_cell", "--cell_weights"), ("dimensions", "--weights_3d")])
def test_steps_that_need_weights_say_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], step: str, missing: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["tissue_segmentation", "--steps", step])
    with pytest.raises(SystemExit) as stopped:
        tissue_segmentation.main()
    assert stopped.value.code == 2
    assert f"--steps {step} needs {missing} FILE" in capsys.readouterr().err


def result(name: str) -> dict[str, object]:
    return {"dataset": name, "method": "network", "mean_dice": 1.0}


def test_both_networks_are_evaluated_with_their_configurations(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    commands = []

    def run(command: list[str]) -> None:
        commands.append(command)
        folder = Path(command[command.index("--output_dir") + 1])
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text(json.dumps({"results": [result(folder.name)]}))

    monkeypatch.setattr(tissue_segmentation, "run_command", run)
    tissue_segmentation.dimensions(tmp_path / "work", tmp_path, "3d.pt")
    in_3d, in_slices = commands
    assert "train_3d.yaml" in in_3d[in_3d.index("--config_file") + 1]
    assert in_3d[in_3d.index("--weights") + 1] == "3d.pt"
    assert "train_3d.yaml" not in " ".join(in_slices)
    assert "--weights" not in in_slices
    for name in ("3-D", "2.5-D"):
        assert json.loads((tmp_path / f"tissue_segmentation_{name}.json").read_text()) == {"results": [result(name)]}
