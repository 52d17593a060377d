"""Nothing of a command line, a manifest, a file's name or the environment is run: whatever would be leaves a file."""

import itertools
import json

import nibabel as nib
import pytest

from monai_gan_recon.resources import RECONSTRUCTION, SEGMENTATION

SENTINEL = "EXECUTED"
CODE = f"open('{SENTINEL}', 'w').close()"
TRAP = {
    "harm.py": f"{CODE}\nx = 1\n",
    "harm.yaml": f'a: "${CODE}"\nb: $import harm\nimports: [$import harm]\n',
}
PAYLOADS = (
    "$import harm",
    f"${CODE}",
    "$from harm import x as y",
    "{'_target_':'open','file':'EXECUTED','mode':'w'}",
    "[1,{'a':['$import harm']}]",
    "%harm.yaml::a",
    "@run",
    "{'+_target_':'harm.x'}",
)
OPTIONS = {
    "reconstruct scan.nii.gz": "output_dir rate mask phase weights device plane noise_std maps maps_cache axes series "
    "source_dicom size track format seed pattern snr bundle config",
    "segment scan.nii.gz": "output_dir method contrast weights device roi_size overlap amp bundle config",
    "evaluate": "datalist dataset_dir section output_dir weights size min_foreground",
    "train": "datalist dataset_dir output_dir ckpt_dir cache_dir init_weights device loss_weights lines val_scans",
    "finetune": "datalist from track bundle",
    "paired": "datalist dataset_dir section pattern plane track bundle weights segmentation segmentation_bundle "
    "segmentation_weights device output_dir size",
    "demo": "bundle segmentation_bundle",
    "manifest build .": "output suffix",
}
SETTINGS = (
    "imports", "imports#0", "initialize", "run", "check-options", "_meta_", "network_def#_target_", "+imports",
    "network_def", "evaluator", "writer#_target_", "handlers#0", "network_def#width",
)  # fmt: skip
BENCHMARKS = {
    "benchmarks.paper_tables run --slice_iterations 4 --systems ours":
    "datalist dataset_dir device output_dir systems_dir",
    "benchmarks.paper_tables speed --systems ours --sizes 32x32": "device systems_dir",
    "benchmarks.shipped_model --rows oasis": "output_dir",
    "benchmarks.tissue_segmentation --steps paired_cell": "cell_weights",
    "benchmarks.select_compressed_sensing": "datalist dataset_dir",
}  # fmt: skip
MONAI = {
    (RECONSTRUCTION, "inference.yaml"): "input dataset_dir output_dir rate mask weights device protocol#Rate init_id",
    (RECONSTRUCTION, "train.yaml"): "datalist init_weights ckpt_dir amp loss_weights val_scans args_file",
    (RECONSTRUCTION, "evaluate.yaml"): "datalist track network_def#width evaluator#device bundle_root imports",
    (SEGMENTATION, "inference.yaml"): "method roi_size network_def writer#instances initialize run_id",
    (SEGMENTATION, "train.yaml"): "patterns reconstruction_bundle slice_axes degradation",
}  # fmt: skip


def attempts():
    """(module, words) with each option and two or more of the payloads."""
    turn, texts = itertools.cycle(PAYLOADS), itertools.cycle(text for text in PAYLOADS if text[0] in "$%@")
    for command, options in OPTIONS.items():
        for option in options.split():
            for _ in range(2):  # of a folder, "[1]" is a name
                payload = next(texts if option in ("output_dir", "dataset_dir", "output") else turn)
                yield "monai_gan_recon", [*command.split(), f"--{option}={payload}"]
    for command in ("reconstruct scan.nii.gz", "train", "paired"):
        for setting in SETTINGS:
            yield "monai_gan_recon", [*command.split(), "--set", f"{setting}={next(turn)}"]
    for payload in PAYLOADS:
        for command in (
            "reconstruct",
            "segment",
            "evaluate",
            "train",
            "finetune",
            "info",
            "bundles path",
            "regions",
        ):
            yield "monai_gan_recon", [*command.split(), payload]
        yield "monai_gan_recon", ["convert", payload, payload]
        yield "monai_gan_recon", ["manifest", "check", payload]
    for command, options in BENCHMARKS.items():
        module, *words = command.split()
        for option in options.split():
            yield module, [*words, f"--{option}", next(turn)]
    for bundle, options in MONAI.items():
        for option in options.split():
            yield bundle, [f"--{option}", next(turn)]
            yield bundle, [f"--{option}={next(turn)}"]


@pytest.fixture(scope="module")
def trap(small):
    """Files of the folder in which every attempt runs."""
    return TRAP | {name: {"link": str(small / name)} for name in ("scan.nii.gz", "labels.nii.gz")}


@pytest.mark.slow
def test_no_option_is_run(warm, trap):
    """Each attempt is refused, and leaves nothing that was not asked for."""
    tried = list(attempts())
    assert len(tried) >= 60
    failures = []
    for where, words in tried:
        done = (
            warm.run(where, *words, files=trap) if isinstance(where, str) else warm.bundle(*where, *words, files=trap)
        )
        early = any(word.startswith("--args_file") for word in words)  # MONAI reads it before the bundle's own check
        clear = early or ("usage" not in done.err and "Traceback" not in done.err)
        wanted = clear and done.code not in (0, None)
        if SENTINEL in done.files or not wanted:
            failures.append((where, words, done.code, done.files, done.err[-300:]))
    assert not failures, "\n".join(map(str, failures))


@pytest.mark.slow
def test_the_trap_works(warm, trap):
    assert SENTINEL in warm.run("harm", files=trap).files


@pytest.mark.slow
def test_names_of_files_and_fields_of_manifests_are_data(warm, trap, small):
    """Files and people named like code are read, and named in the results, without being run."""
    names = ["$import harm", f"${CODE}".replace("/", ""), "%harm.yaml", "@run", "_target_"]
    entries = [{"image": f"{name}.nii.gz", "person": name} for name in names]
    content = dict.fromkeys(("name", "title", "licence", "source", "description", "citation", "modality"), names[0])
    content |= {"root": "", "training": entries[:2], "validation": entries[2:3], "testing": entries[3:]}
    files = trap | {f"{name}.nii.gz": {"link": str(small / "scan.nii.gz")} for name in names}
    files["$import harm.json"] = json.dumps(content)
    ran = [
        warm.command("evaluate", "./$import harm.json", "--size", "[32,32]", "--no-figures", files=files),
        warm.command("reconstruct", "./$import harm.nii.gz", "./$out", "--rate", "0.5", files=files),
        warm.command("manifest", "check", "./$import harm.json", "--no-hashes", files=files),
        warm.command("info", ".", files=files),
    ]
    for done in ran:
        assert SENTINEL not in done.files
        assert "Traceback" not in done.err
    assert [done.code for done in ran[:2]] == [0, 0], ran[0].err + ran[1].err
    assert "$out/$import harm_recon.nii.gz" in ran[1].files


@pytest.mark.slow
@pytest.mark.parametrize("name", ["MONAI_GAN_RECON_DATA", "MONAI_GAN_RECON_TRACEBACK", "TORCH_HOME", "HOME"])
def test_the_environment_is_data(warm, trap, name):
    for payload in PAYLOADS[:2]:
        done = warm.command("evaluate", "oasis_malc", environment={name: payload}, files=trap)
        assert SENTINEL not in done.files
        assert done.code == 1


@pytest.mark.slow
def test_headers_are_data(warm, trap, small):
    """Text within an image's header reaches no parser."""
    image = nib.load(small / "scan.nii.gz")
    image.header["descrip"] = image.header["aux_file"] = b"$import harm"
    nib.save(image, small / "header.nii.gz")
    files = trap | {"header.nii.gz": {"link": str(small / "header.nii.gz")}}
    done = warm.command("reconstruct", "header.nii.gz", "out", "--rate", "0.5", files=files)
    assert done.code == 0
    assert SENTINEL not in done.files
