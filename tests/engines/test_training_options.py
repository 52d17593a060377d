"""What the command line may have made of the training options is refused with one line."""

import pytest

from monai_gan_recon.engines import check_training_options

GOOD = {
    "device": "cpu",
    "gan_fraction": 0.1,
    "adversarial_share": 0.1,
    "val_rates": [0.1, 0.5],
    "planes": ["coronal"],
    "patterns": ["gaussian1d"],
    "axes": [-1],
    "crop": [128, 256],
    "slices_per_epoch": 800,
    "batch_size": 4,
}


def test_good_options_pass():
    check_training_options(**GOOD)
    check_training_options(**GOOD | {"adversarial_share": None, "gan_fraction": 0})


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("device", "cuda:7", "cuda:7"),
        ("gan_fraction", 2, "gan_fraction"),
        ("adversarial_share", "abc", "adversarial_share"),
        ("adversarial_share", 1, "adversarial_share"),
        ("val_rates", 0.1, "val_rates"),
        ("val_rates", [0.0], "sampling rate"),
        ("planes", "coronal", "planes"),
        ("patterns", "gaussian1d", "patterns"),
        ("axes", [0], "axes"),
        ("crop", [8, 256], "crop"),
        ("slices_per_epoch", 2, "do not fill a batch"),
    ],
)
def test_bad_options_are_named(option, value, message):
    with pytest.raises(ValueError, match=message) as caught:
        check_training_options(**GOOD | {option: value})
    assert "\n" not in str(caught.value)
