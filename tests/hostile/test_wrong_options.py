"""Options out of range end in one line that names them, by the command and by MONAI's verb; nothing is written."""

import itertools
import random

import pytest

from monai_gan_recon.resources import RECONSTRUCTION, SEGMENTATION
from tests.hostile import wrong_options as wrong

SMALL_TRAINING = {
    "size": "[32,32]", "crop": "[16,32]", "min_pixels": 24, "val_slices": 2, "slices_per_epoch": 4, "max_epochs": 1,
}  # fmt: skip
SMALL_TISSUES = {
    "patches_per_epoch": 2, "max_epochs": 1, "patch_size": "[16,16,16]", "val_patch_size": "[16,16,16]",
    "val_patches": 1,
}  # fmt: skip
FLOWS = {
    "reconstruct": (RECONSTRUCTION, "inference.yaml", "scan.nii.gz", {"rate": 0.5}, wrong.RECONSTRUCT),
    "reconstruct, simulated": (
        RECONSTRUCTION, "inference.yaml", "scan.nii.gz", {"track": "simulated"}, wrong.SIMULATED
    ),
    "reconstruct, raw": (RECONSTRUCTION, "inference.yaml", "raw.h5", {}, wrong.RAW),
    "reconstruct, mask": (
        RECONSTRUCTION, "inference.yaml", "scan.nii.gz", {"mask": "mask.npy", "track": "replica"}, wrong.MASKED
    ),
    "evaluate": (RECONSTRUCTION, "evaluate.yaml", "set/mine.json", {"size": "[32,32]"}, wrong.EVALUATE),
    "train": (RECONSTRUCTION, "train.yaml", "set/mine.json", SMALL_TRAINING, wrong.TRAIN),
    "segment": (SEGMENTATION, "inference.yaml", "scan.nii.gz", {}, wrong.SEGMENT),
    "evaluate tissues": (SEGMENTATION, "evaluate.yaml", "set/mine.json", {}, wrong.SEGMENT_EVALUATE),
    "train tissues": (SEGMENTATION, "train.yaml", "set/mine.json", SMALL_TISSUES, wrong.TISSUE_TRAIN),
}  # fmt: skip
PAIRED = {
    "rates": "0 nan -1 2", "axis": "5", "plane": "x", "size": "8 1000000", "track": "raw", "snr": "-3 nan inf 0",
    "seed": f"-1 {2**64}", "figures": "-1", "device": "meta cuda:99 ''", "segmentation": "x", "weights": "none.pt",
    "bundle": "none", "segmentation_bundle": "none", "set": "nope=1 rate=0.3 network_def#width=0 size=[8,8]",
    "segmentation_set": "roi_size=5 bias_field=perhaps overlap=2", "section": "x name", "datalist": "'' none",
}  # fmt: skip
OTHERS = {
    "finetune set/mine.json --output_dir out": "rate=nan rate=0 rate=2 track=raw from=none.pt patience=0 patience=1.5",
    "regions labels.nii.gz --output_dir out": "minimum_size_mm3=-1 connectivity=7 case=. case=../x",
    "manifest build set --output m.json": "seed=-1 seed=1e3 fractions=nan,0,1 fractions=1",
    "demo": "bundle=none segmentation_bundle=none",
}  # fmt: skip


_OTHER_NAMES = {"datalist": "data manifest", "network_def#noise_layers": "layers"}


def rows():
    """(flow, option, value): up to two values of each option, the same in each run."""
    rng = random.Random(0)
    for flow, (*_, table) in FLOWS.items():
        for option, values in table.items():
            several = list(dict.fromkeys(values.split()))
            for value in rng.sample(several, min(2, len(several))):
                yield flow, option, "" if value == "''" else value


def monais_words(flow, option, value, small):
    """MONAI's verb, its bundle and words."""
    bundle, config, given, others, _ = FLOWS[flow]
    name = "datalist" if given.endswith(".json") else "input"
    options = {name: small / given, "output_dir": "out"} | others | {option: value}
    options |= {key: small / text for key, text in options.items() if text == "mask.npy"}
    return bundle, config, *(word for key, text in options.items() for word in (f"--{key}", text))


def command_words(flow, option, value, small):
    """Words of the subcommand."""
    bundle, config, given, others, _ = FLOWS[flow]
    command = {"inference.yaml": "reconstruct" if bundle == RECONSTRUCTION else "segment"}.get(config, config[:-5])
    options = {"output_dir": "out"} | others | {option: value}
    options |= {key: small / text for key, text in options.items() if text == "mask.npy"}
    given = options.pop("datalist", options.pop("input", small / given))
    words = [command, given] + ([] if command in ("reconstruct", "segment") else ["--bundle", bundle])
    for key, text in options.items():
        nested = "#" in key or key in ("channels", "patch_margin")
        words += ["--set", f"{key}={text}"] if nested else [f"--{key}={text}"]
    return words


def fault(done, option, value):
    """What is wrong with the answer; None if nothing."""
    lines = done.err.strip().splitlines()
    item = value.partition("=")[0] if option.endswith("set") else option
    names = (item.split("#")[-1].replace("_", " "), _OTHER_NAMES.get(item, "-"))
    if done.code is None or done.code <= 0 or "Traceback" in done.err or len(lines) != 1:
        return f"code {done.code}, {lines[-3:]}"
    if not any(name in lines[0].replace("_", " ") for name in names) and not (value and value.strip("[]") in lines[0]):
        return f"does not name it: {lines[0]}"
    return f"wrote {done.files}" if done.files else None


@pytest.mark.slow
def test_each_is_refused(warm, small):
    """Every second row by the command, where it is an option of it, the others by MONAI's verb."""
    tried, failures = list(rows()), []
    assert len(tried) >= 120
    for (flow, option, value), monais in zip(tried, itertools.cycle([True, False]), strict=False):
        if monais or option in wrong.SWITCHES or (option.endswith("_dir") and value != ""):  # there, 0 is a name
            done = warm.bundle(*monais_words(flow, option, value, small))
        else:
            done = warm.command(*command_words(flow, option, value, small))
        if problem := fault(done, option, value):
            failures.append(f"{flow} --{option} {value!r} {'MONAI' if monais else 'command'}: {problem}")
    assert not failures, "\n".join(failures)


@pytest.mark.slow
def test_other_commands(warm, small):
    failures = []
    paired = [
        "paired",
        "--datalist",
        small / "set/mine.json",
        "--segmentation",
        "mixture",
        "--track",
        "simulated",
    ]
    paired += ["--output_dir", "out", "--size", "32", "32"]
    tries = [(paired, option, value) for option, values in PAIRED.items() for value in values.split()]
    for command, settings in OTHERS.items():
        words = [small / word if (small / word).exists() else word for word in command.split()]
        tries += [(words, *setting.split("=")) for setting in settings.split()]
    for words, option, value in tries:
        value = "" if value == "''" else value
        done = warm.command(*words, f"--{option}={value}")
        if problem := fault(done, option, value):
            failures.append(f"{words[0]} --{option}={value}: {problem}")
    assert not failures, "\n".join(failures)
