"""Pages whose measured parts stand between marker comments, ``<!-- name -->`` and ``<!-- end of name -->``."""

from __future__ import annotations

import re
from collections.abc import Mapping


def has_part(text: str, name: str) -> bool:
    """Whether a page has the markers of this part, once, in order."""
    return len(_pattern(name).findall(text)) == 1


def fill(text: str, parts: Mapping[str, str]) -> str:
    """The page with each part between its markers; parts whose markers it lacks are left out."""
    for name, part in parts.items():
        filled = f"<!-- {name} -->\n{part}\n<!-- end of {name} -->"
        text = _pattern(name).sub(filled.replace("\\", r"\\"), text)
    return text


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"<!-- {re.escape(name)} -->\n.*?<!-- end of {re.escape(name)} -->", re.DOTALL)
