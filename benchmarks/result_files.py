"""Result files of the benchmarks, and pages whose measured parts stand between marker comments."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_gan_recon.atomic import atomic_path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"


def read_results(name: str) -> list[dict[str, Any]]:
    """Results of ``benchmarks/results/NAME.json``, one dictionary a protocol."""
    content = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return list(content["results"])


def run_command(command: Sequence[str]) -> None:
    """Run a program.

    Raises:
        ValueError: if it fails; it has said why.
    """
    if subprocess.run(command, check=False).returncode:
        raise ValueError(f"{' '.join(command[1:5])} failed: its own line is above")


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file, complete or not at all."""
    with atomic_path(path) as temporary:
        text = json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def fill(text: str, parts: Mapping[str, str]) -> str:
    """A page with each part between ``<!-- name -->`` and ``<!-- end of name -->``, where it has these markers."""
    for name, part in parts.items():
        start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        filled = f"{start}\n{part}\n{end}".replace("\\", r"\\")
        text = re.sub(f"{re.escape(start)}\n.*?{re.escape(end)}", filled, text, flags=re.DOTALL)
    return text


def fill_page(path: Path, parts: Mapping[str, str]) -> None:
    """Write what has changed of a page's parts."""
    old = path.read_text(encoding="utf-8")
    new = fill(old, parts)
    if new != old:
        with atomic_path(path) as temporary:
            temporary.write_text(new, encoding="utf-8")
        print(f"wrote {path}")
