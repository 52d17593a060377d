"""The bundle as it is shipped: one network in all configurations, whose weights fit it and segment."""

from pathlib import Path

import pytest
import yaml
from brain_phantom import SHAPE, dice, save, t1_image, tissues

from monai_gan_recon.io import load_volume
from monai_gan_recon.segmentation import TissueSegmenter
from monai_gan_recon.segmentation.labels import TISSUES

SHIPPED = Path(__file__).resolve().parents[3] / "bundles" / "brain_mri_tissue_segmentation"


@pytest.mark.parametrize("name", ["inference.yaml", "evaluate.yaml"])
def test_what_is_trained_is_what_is_used(name):
    trained, used = (
        yaml.safe_load((SHIPPED / "configs" / file).read_text())["network_def"] for file in ("train.yaml", name)
    )
    assert used == trained


def test_shipped_weights_segment_a_phantom(tmp_path):
    # CSF 5 mm and gray matter 8 mm thick; thicker layers are no brain, and the network does not follow them
    shape = tuple(2 * n for n in SHAPE)
    labels = tissues(shape)
    image = load_volume(save(tmp_path / "brain.nii.gz", t1_image(labels)))
    found = TissueSegmenter.from_bundle(SHIPPED, brain_extraction=False)(image)[0].numpy()
    assert found.shape == shape
    for label in TISSUES:
        assert dice(found, labels, label) > 0.95
