"""Names of the cases of a list."""

import pytest

from monai_gan_recon.data import case_name, with_cases


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("x/1000_T1w.nii.gz", "1000_T1w"),
        ("a.b.nii", "a.b"),
        ("dicom/series.1", "series.1"),
        ("s.npy", "s"),
        ("d/", "d"),
    ],
)
def test_case_name(path, name):
    assert case_name(path) == name


@pytest.mark.parametrize(
    ("files", "cases"),
    [
        (["a/T1w.nii.gz", "b/T2w.nii.gz"], ["T1w", "T2w"]),
        (["a/T1w.nii.gz", "b/T1w.nii.gz"], ["T1w_0", "T1w_1"]),
        (["a/T1w.nii.gz", "b/T1w.nii.gz", "c/T1w_1.nii.gz"], ["T1w_0", "T1w_4", "T1w_1"]),
    ],
)
def test_no_two_cases_share_a_name(files, cases):
    assert [entry["case"] for entry in with_cases([{"image": file} for file in files])] == cases
