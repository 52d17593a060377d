"""What the hash of a cell depends on."""

import shutil

from benchmarks.paper_tables import configuration
from benchmarks.paper_tables.configuration import Settings, cell_hash
from benchmarks.paper_tables.grid import Cell


def test_the_shipped_weights_are_part_of_their_cells(tmp_path, monkeypatch):
    """Other weights, another result to measure; what has its own weights is not touched."""
    bundle = shutil.copytree(configuration.BUNDLE, tmp_path / "bundle")
    monkeypatch.setattr(configuration, "BUNDLE", bundle)
    cells = [Cell(system, "64x128", 0.09375, "replica") for system in ("shipped_any_rate", "zero_filled")]
    before = [cell_hash(cell, Settings(), None) for cell in cells]
    (bundle / "models" / "model.pt").write_bytes(b"others")
    after = [cell_hash(cell, Settings(), None) for cell in cells]
    assert before[0] != after[0]
    assert before[1] == after[1]
