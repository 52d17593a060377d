"""Parts between marker comments."""

from benchmarks.pages import fill, has_part

PAGE = "before\n<!-- a -->\n{}<!-- end of a -->\nafter\n"


def test_parts_are_filled_and_nothing_else():
    for old in ("", "\n", "old\nlines\n"):
        assert fill(PAGE.format(old), {"a": r"new \1", "b": "x"}) == PAGE.format("new \\1\n")
    assert fill("no markers", {"a": "new"}) == "no markers"


def test_markers():
    assert has_part(PAGE.format(""), "a")
    assert not has_part(2 * PAGE.format(""), "a")
    assert not has_part(PAGE.format(""), "b")
