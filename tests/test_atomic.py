"""Files are there all or none, and what killed programs left is removed."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from monai_gan_recon.atomic import WriteError, atomic_paths, remove_leftovers

KILLED = """
import os, signal
from monai_gan_recon.atomic import atomic_paths
with atomic_paths(["a.txt", "b.txt"]) as files:
    for file in files:
        file.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_several_files_are_one_step(tmp_path):
    names = [tmp_path / "a.txt", tmp_path / "new" / "b.txt"]
    with pytest.raises(ZeroDivisionError), atomic_paths(names) as files:
        files[0].write_text(str(1 / 0))
    assert not any(name.exists() for name in names)
    with atomic_paths(names) as files:
        [file.write_text("whole") for file in files]
    assert [name.read_text() for name in names] == ["whole"] * 2


def test_leftovers_of_dead_programs_only(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, env=environment)
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 2
    with atomic_paths([tmp_path / "c.txt"]) as files:
        files[0].write_text("live")
        assert len(remove_leftovers(tmp_path)) == 2
    assert [file.name for file in tmp_path.iterdir()] == ["c.txt"]


def test_a_name_too_long_is_found_before_the_work(tmp_path):
    with pytest.raises(ValueError, match="bytes"), atomic_paths([tmp_path / ("x" * 250)]):
        pytest.fail("the work began")


def test_a_failure_leaves_no_folder_behind(tmp_path):
    (tmp_path / "kept").mkdir()
    with pytest.raises(ValueError, match="no result"), atomic_paths([tmp_path / "kept" / "new" / "a.txt"]):
        raise ValueError("no result")
    assert list((tmp_path / "kept").iterdir()) == []
    with atomic_paths([tmp_path / "new" / "a.txt"]) as temporary:
        temporary[0].write_text("a")
    assert (tmp_path / "new" / "a.txt").read_text() == "a"


def test_a_folder_that_cannot_be_replaced_stays(tmp_path, monkeypatch):
    target = tmp_path / "out"
    target.mkdir()
    (target / "old").touch()
    replace = os.replace

    def fails(source, to):
        if Path(to) == target and Path(source).suffix != ".old":
            raise PermissionError(errno.EACCES, "Permission denied", str(to))
        replace(source, to)

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="Permission"), atomic_paths([target]) as (folder,):
        folder.mkdir()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (target / "old").exists()


def test_what_a_killed_program_had_set_aside_comes_back(tmp_path):
    with atomic_paths([tmp_path / "out"]) as (folder,):
        name = folder.name.replace(str(os.getpid()), "99999999")
        folder.mkdir()
    (tmp_path / "out").rmdir()
    (tmp_path / name).mkdir()
    (tmp_path / (name + ".old")).mkdir()
    (tmp_path / (name + ".old") / "old").touch()
    remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / "old").exists()


def test_other_errors_of_the_block_stay_as_they_are(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_paths([tmp_path / "a.txt"]):
        (tmp_path / "input").read_text()
    inner = atomic_paths([tmp_path / "none" / "b.txt"])
    (tmp_path / "none").touch()
    with pytest.raises(WriteError) as told, atomic_paths([tmp_path / "a.txt"]), inner:
        pytest.fail("the work began")
    assert str(told.value).count("cannot be written") == 1


def test_a_full_disk_is_told_of_the_final_name(tmp_path):
    with pytest.raises(WriteError) as told, atomic_paths([tmp_path / "a.txt"]) as outer, atomic_paths(outer):
        raise OSError(errno.ENOSPC, "full")
    assert str(told.value).startswith(f"{tmp_path / 'a.txt'}: ")


def test_a_file_never_replaces_a_folder(tmp_path):
    folder, other = tmp_path / "folder", tmp_path / "other"
    folder.mkdir()
    (folder / "mine").touch()
    other.write_text("old")
    with pytest.raises(WriteError, match="folder"), atomic_paths([other, folder]) as temporary:
        [file.touch() for file in temporary]
    assert (folder / "mine").exists()
    assert other.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == [folder, other]
