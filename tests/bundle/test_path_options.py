import os

import pytest

from monai_gan_recon import bundle


def ends(check, *arguments):
    with pytest.raises(SystemExit) as caught:
        check(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("value", [7, True, ["a"], "", "  "])
def test_values_that_are_no_paths(value):
    for check in (bundle.validate_input, bundle.validate_output_dir, bundle.validate_datalist):
        assert "is not a path" in ends(check, value)


def test_input(tmp_path):
    assert "--input is missing" in ends(bundle.validate_input, None)
    assert "does not exist" in ends(bundle.validate_input, str(tmp_path / "none.nii"))
    assert "is empty" in ends(bundle.validate_input, str(tmp_path))
    (tmp_path / "a.nii").write_bytes(b"x")
    assert bundle.validate_input(str(tmp_path)) == str(tmp_path)


def test_file(tmp_path):
    assert "--mask: there is no file" in ends(bundle.validate_file, str(tmp_path / "m.npy"), "mask")
    assert "is a folder" in ends(bundle.validate_file, str(tmp_path), "mask")
    (tmp_path / "m.npy").touch()
    assert "is empty" in ends(bundle.validate_file, str(tmp_path / "m.npy"), "mask")
    (tmp_path / "m.npy").write_bytes(b"x")
    assert bundle.validate_file(str(tmp_path / "m.npy"), "mask")


def test_output_dir_is_checked_and_not_made(tmp_path):
    wanted = tmp_path / "a" / "b"
    assert bundle.validate_output_dir(str(wanted)) == str(wanted)
    assert not (tmp_path / "a").exists()
    (tmp_path / "a").touch()
    assert "is a file" in ends(bundle.validate_output_dir, str(wanted))


@pytest.mark.skipif(os.geteuid() == 0, reason="the super-user may write anywhere")
def test_output_dir_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    assert "no permission" in ends(bundle.validate_output_dir, str(tmp_path / "results"))


def test_datalist(tmp_path):
    (entry,) = bundle.validate_datalist("embedded")
    assert os.path.isfile(entry["image"])
    assert "no such data manifest" in ends(bundle.validate_datalist, "embeded")
    assert "no training entries" in ends(bundle.validate_datalist, "embedded", None, "training")
    assert "no folder" in ends(bundle.validate_datalist, "oasis_malc", str(tmp_path / "none"))
    assert "files are missing" in ends(bundle.validate_datalist, "oasis_malc", str(tmp_path))
    (tmp_path / "list.json").write_text('{"testing": []}')
    assert "no testing entries" in ends(bundle.validate_datalist, str(tmp_path / "list.json"))
