"""What the model zoo's ``verify_bundle.py`` checks of a bundle, without a network: files, metadata, versions."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser, verify_metadata
from monai.bundle.properties import MetaProperties
from monai.utils import BundleProperty, BundlePropertyConfig

ROOT = Path(__file__).parents[2]
BUNDLES = sorted(path.parents[1] for path in (ROOT / "bundles").glob("*/configs/metadata.json"))
SCHEMA = Path(__file__).with_name("metadata_schema.json")


@pytest.fixture(params=BUNDLES, ids=lambda bundle: bundle.name)
def metadata_file(request):
    return request.param / "configs" / "metadata.json"


def verify(metadata_file):
    """MONAI's own check, with the schema that lies here: it downloads one only where none is."""
    hash_val = hashlib.sha256(SCHEMA.read_bytes()).hexdigest()
    verify_metadata(str(metadata_file), filepath=str(SCHEMA), hash_val=hash_val, hash_type="sha256")


def test_follows_the_specification(metadata_file):
    verify(metadata_file)


@pytest.mark.parametrize(
    "change",
    [
        lambda metadata: metadata.pop("monai_version"),
        lambda metadata: metadata.update(eval_metrics={"psnr": "35 dB"}),
        lambda metadata: metadata["network_data_format"]["outputs"].pop("pred"),
        lambda metadata: metadata["network_data_format"]["inputs"]["image"].update(num_channels="3"),
    ],
)
def test_the_check_can_fail(metadata_file, tmp_path, change):
    metadata = json.loads(metadata_file.read_text())
    change(metadata)
    broken = tmp_path / "metadata.json"
    broken.write_text(json.dumps(metadata))
    with pytest.raises(ValueError, match="Failed validating"):
        verify(broken)


def test_has_every_property_that_monai_reads(metadata_file):
    parser = ConfigParser()
    parser.read_meta(str(metadata_file))
    needed = [p[BundlePropertyConfig.ID] for p in MetaProperties.values() if p[BundleProperty.REQUIRED]]
    assert [id_ for id_ in needed if id_ not in parser] == []


def test_the_version_is_the_latest_of_the_changelog(metadata_file):
    metadata = json.loads(metadata_file.read_text())
    latest = max(metadata["changelog"], key=lambda text: [int(number) for number in text.split(".")])
    assert metadata["version"] == latest


def test_the_bundle_is_complete(metadata_file):
    bundle = metadata_file.parents[1]
    wanted = ["LICENSE", "docs/README.md", "docs/data_license.txt", "configs/logging.conf", "models/model.pt"]
    wanted += [f"configs/{name}.yaml" for name in ("train", "inference", "evaluate", "multi_gpu_train")]
    assert [file for file in wanted if not (bundle / file).is_file()] == []
    assert (bundle / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert (bundle / "models" / "model.pt").stat().st_size <= 50_000_000


def test_weights_are_a_bare_state_dict(metadata_file):
    state = torch.load(metadata_file.parents[1] / "models" / "model.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in state.values())


def test_every_channel_is_explained(metadata_file):
    formats = json.loads(metadata_file.read_text())["network_data_format"]
    for tensor in (*formats["inputs"].values(), *formats["outputs"].values()):
        assert list(tensor["channel_def"]) == [str(c) for c in range(tensor["num_channels"])]
