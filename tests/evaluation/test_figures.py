"""The comparison figure: a complete PNG of fixed width, boxes where the detail is."""

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from monai_gan_recon.evaluation.figures import brain_view, comparison_figure, detail_box


@pytest.fixture
def reference():
    image = torch.zeros(64, 80)
    image[12:52, 20:64] = 0.5
    image[30:40, 44:54] += 0.4 * torch.rand(10, 10, generator=torch.Generator().manual_seed(0))
    return image


def row(reference, zero_filled, reconstruction, **label):
    return {"reference": reference, "zero_filled": zero_filled, "reconstruction": reconstruction, **label}


def test_one_slice(tmp_path, reference):
    slices = row(reference[None], 0.8 * reference, 0.95 * reference, label="10 %")
    path = comparison_figure([slices], tmp_path / "a" / "x.png")
    picture = imread(path)
    assert picture.shape[1] == 1800
    assert [p.name for p in path.parent.iterdir()] == ["x.png"]
    assert picture[..., :3].std() > 0.1
    assert np.allclose(picture[0, 0, :3], [11 / 255, 13 / 255, 16 / 255])  # dark background


def test_rows_are_below_one_another_and_the_drawing_repeats(tmp_path, reference):
    slices = row(reference, 0.5 * reference, 0.9 * reference)
    pictures = [
        imread(comparison_figure([slices] * n, tmp_path / f"{i}.png", box=(20, 30, 10, 10)))
        for i, n in enumerate((1, 2, 1))
    ]
    assert 1.6 < pictures[1].shape[0] / pictures[0].shape[0] < 2
    assert np.array_equal(pictures[0], pictures[2])


def test_perfect_reconstruction_and_empty_images_can_be_drawn(tmp_path, reference):
    comparison_figure([row(reference, reference, reference)], tmp_path / "perfect.png")
    empty = torch.zeros(32, 32)
    assert comparison_figure([row(empty, empty, empty)], tmp_path / "empty.png").is_file()


def test_view_is_the_brain_and_box_the_detail(reference):
    view = brain_view(reference.numpy(), margin=0)
    assert view == (12, 20, 40, 44)
    top, left, height, width = detail_box(reference.numpy(), view, fraction=0.25)
    assert (height, width) == (10, 11)
    assert 28 <= top <= 32
    assert 41 <= left <= 46
    assert brain_view(np.zeros((20, 30), np.float32)) == (0, 0, 20, 30)


def test_volumes_and_no_rows_are_refused(tmp_path, reference):
    with pytest.raises(ValueError, match=r"slices \(H, W\)"):
        comparison_figure([row(torch.zeros(3, 20, 20), reference, reference)], tmp_path / "x.png")
    with pytest.raises(ValueError, match="at least one row"):
        comparison_figure([], tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []
