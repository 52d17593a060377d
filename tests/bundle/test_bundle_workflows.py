"""MONAI's own demands on a bundle, as MONAI checks them: properties of each workflow, from Python."""

import warnings

import pytest
from monai.bundle import create_workflow

from monai_gan_recon.resources import RECONSTRUCTION, SEGMENTATION, bundle_path

BUNDLES = [RECONSTRUCTION, SEGMENTATION]
WORKFLOWS = {"train.yaml": "train", "inference.yaml": "infer", "evaluate.yaml": "infer"}


def workflow(name, config, folder, **options):
    """A workflow of a shipped bundle, initialised, whose results would go to ``folder``."""
    configs = bundle_path(name) / "configs"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return create_workflow(
            config_file=str(configs / config),
            meta_file=str(configs / "metadata.json"),
            logging_file=False,
            workflow_type=WORKFLOWS[config],
            output_dir=str(folder / "out"),
            **options,
        )


@pytest.fixture
def image():
    from monai_gan_recon.data import load_manifest

    return load_manifest("embedded").section("testing")[0]["image"]


@pytest.mark.parametrize("config", WORKFLOWS)
@pytest.mark.parametrize("name", BUNDLES)
def test_monai_finds_every_property(name, config, tmp_path, image):
    options = {"dataset_dir": image} if config == "inference.yaml" else {}
    found = workflow(name, config, tmp_path, **options)
    assert found.check_properties() == []
    assert found.bundle_root == str(bundle_path(name))
    if config == "train.yaml":
        assert found.max_epochs == found.trainer.state.max_epochs
        assert found.train_dataset_data
    else:
        assert found.dataset_data
    assert "run" in found.parser
    assert {path.name for path in tmp_path.glob("out/*")} <= {
        "tensorboard",
        "slices",
    }  # prepared data, and MONAI's log


@pytest.mark.parametrize("config", WORKFLOWS)
@pytest.mark.parametrize("name", BUNDLES)
def test_from_python_errors_are_exceptions(name, config, tmp_path, image):
    options = {"dataset_dir": image} if config == "inference.yaml" else {}
    with pytest.raises(RuntimeError) as caught:
        workflow(name, config, tmp_path, device="tpu", **options)
    cause = caught.value
    while cause.__cause__ is not None and not isinstance(cause, ValueError):
        cause = cause.__cause__
    assert isinstance(cause, ValueError)
    assert "tpu" in str(cause)
