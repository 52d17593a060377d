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
    expected = psnr(output["pred"][0, 2:, None], output["label"][0, 2:, None])
    assert values(scores, "reconstruction", "psnr") == pytest.approx(expected.tolist())
    assert min(values(scores, "reconstruction", "psnr")) > max(values(scores, "zero_filled", "psnr")) + 20
    assert scores.sampled_fraction == pytest.approx(0.4)
    assert 0.4 < scores.known_fraction < 0.8
    assert scores.notes == []


def test_seconds_count_all_slices_of_the_network(volume):
    scores = score_volume(volume("anna"))
    assert values(scores, "reconstruction", "seconds_per_slice") == [pytest.approx(0.2)] * 4
    assert values(scores, "zero_filled", "seconds_per_slice") == [None] * 4


def test_residuals_are_the_evaluators_of_the_reconstruction_alone(volume):
    output = volume("anna", track="simulated")
    scores = score_volume(output)
    for name in ("kspace_residual", "kspace_residual_complex", "chi_squared"):
        chosen = [row.slice for row in scores.rows if row.method == "reconstruction"]
        assert values(scores, "reconstruction", name) == pytest.approx(output[name][chosen].tolist())
        assert values(scores, "zero_filled", name) == [None] * len(chosen)
    assert values(score_volume(volume("anna")), "reconstruction", "chi_squared") == [None] * 4  # no noise


def test_the_truth_is_perfect(volume):
    output = volume("anna")
    scores = score_volume({**output, "pred": output["label"]})
    assert values(scores, "reconstruction", "psnr") == [100.0] * 4


def test_metadata_does_not_matter(volume):
    output = volume("anna")
    tagged = {k: MetaTensor(v) if isinstance(v, torch.Tensor) and v.ndim == 4 else v for k, v in output.items()}
    assert score_volume(tagged).rows == score_volume(output).rows


def test_without_qualifying_slices_all_non_empty_count(volume):
    scores = score_volume(volume("anna"), min_foreground=0.9)
    assert [row.slice for row in scores.rows if row.method == "zero_filled"] == [1, 2, 3, 4, 5]
    assert len(scores.notes) == 1


def test_picture_is_the_middle_slice(volume):
    output = volume("anna")
    scores = score_volume(output)
    assert scores.picture["label"] == "anna, slice 4"
    assert torch.equal(scores.picture["reference"], output["label"][0, 4])
    assert scores.picture["reconstruction"].shape == (48, 40)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": torch.zeros(1, 6, 48, 40)}, "no foreground"),
        ({"label": torch.zeros(2, 6, 48, 40)}, r"'label' must be one volume \(1, N, H, W\)"),
        ({"pred": torch.zeros(2, 1, 6, 48, 40)}, "'pred' must be one volume"),
        ({"pred": torch.zeros(1, 6, 48, 48)}, "'pred' has slices"),
        ({"pred": torch.full((1, 6, 48, 40), torch.nan)}, "'pred' has NaN"),
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
