"""Scores of one volume: which slices count, what they score, what is refused."""

import pytest
import torch
from monai.data import MetaTensor

from monai_gan_recon.evaluation.scores import score_volume
from monai_gan_recon.metrics import METRICS, psnr


def values(scores, method, name):
    return [row.metrics[name] for row in scores.rows if row.method == method]


def test_scores_of_the_qualifying_slices(volume):
    output = volume("anna")
    scores = score_volume(output)
    assert [row.slice for row in scores.rows if row.method == "zero_filled"] == [2, 3, 4, 5]
    assert {row.person for row in scores.rows} == {"anna"}
    assert {row.case for row in scores.rows} == {"anna_T1w"}
    assert all(set(row.metrics) == set(METRICS) for row in scores.rows)
    expected = psnr(output["pred"][:, 2:].norm(dim=0)[:, None], output["label"][0, 2:, None])
    assert values(scores, "reconstruction", "psnr") == pytest.approx(expected.tolist())
    assert min(values(scores, "reconstruction", "psnr")) > max(values(scores, "zero_filled", "psnr")) + 20
    assert scores.sampled_fraction == pytest.approx(0.4)
    assert 0.4 < scores.known_fraction < 0.8
    assert scores.notes == []


def test_seconds_count_all_slices_of_the_network(volume):
    scores = score_volume(volume("anna"))
    assert values(scores, "reconstruction", "seconds_per_slice") == [pytest.approx(0.2)] * 4
    assert values(scores, "zero_filled", "seconds_per_slice") == [None] * 4
    assert (
        values(score_volume({**volume("a"), "seconds": None}), "reconstruction", "seconds_per_slice")[0]
        is None
    )


def test_residuals(volume):
    scores = score_volume(volume("anna"))
    assert max(values(scores, "zero_filled", "kspace_residual_complex")) < 1e-6
    assert max(values(scores, "reconstruction", "kspace_residual_complex")) < 1e-5
    assert min(values(scores, "zero_filled", "kspace_residual")) > 1e-3  # the magnitude loses the phase


def test_magnitude_network_has_no_complex_residual(volume):
    output = volume("anna")
    scores = score_volume({**output, "pred": output["label"]})
    assert values(scores, "reconstruction", "kspace_residual_complex") == [None] * 4
    assert values(scores, "reconstruction", "psnr") == [100.0] * 4
    assert max(values(scores, "reconstruction", "kspace_residual")) < 1e-5


def test_collated_and_with_metadata_is_the_same(volume):
    output = volume("anna")
    batch = {k: MetaTensor(v)[None] if isinstance(v, torch.Tensor) else [v] for k, v in output.items()}
    batch["seconds"] = torch.tensor([1.2])
    batch["mask"] = batch["mask"][:, :, :1]
    assert score_volume(batch).rows == [
        type(row)(row.person, row.case, row.slice, row.method, pytest.approx(row.metrics))
        for row in score_volume(output).rows
    ]


def test_without_qualifying_slices_all_non_empty_count(volume):
    scores = score_volume(volume("anna"), min_foreground=0.9)
    assert [row.slice for row in scores.rows if row.method == "zero_filled"] == [1, 2, 3, 4, 5]
    assert "anna_T1w: the brain covers 90% of no slice; all 5 non-empty ones used" in scores.notes


def test_picture_is_the_middle_slice(volume):
    output = volume("anna")
    scores = score_volume(output)
    assert scores.picture_slice == 4
    assert torch.equal(scores.pictures["reference"], output["label"][0, 4])
    assert scores.pictures["reconstruction"].shape == (48, 40)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": torch.zeros(1, 6, 48, 40)}, "no foreground"),
        ({"label": torch.zeros(2, 6, 48, 40)}, r"'label' must be one volume \(1, N, H, W\)"),
        ({"pred": torch.zeros(2, 1, 6, 48, 40)}, "'pred' must be one volume"),
        ({"pred": torch.zeros(2, 6, 48, 48)}, "'pred' has slices"),
        ({"pred": torch.full((2, 6, 48, 40), torch.nan)}, "'pred' has NaN"),
    ],
)
def test_what_cannot_be_scored_is_refused(volume, change, message):
    with pytest.raises(ValueError, match=f"anna_T1w: .*{message}"):
        score_volume({**volume("anna"), **change})


def test_missing_output_is_named(volume):
    output = volume("anna")
    del output["zero_filled"]
    with pytest.raises(ValueError, match="no 'zero_filled'"):
        score_volume(output)
