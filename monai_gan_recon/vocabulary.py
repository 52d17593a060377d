"""Words and limits that the whole package shares."""

TRACKS = ("replica", "simulated")
"""Ways to undersample a magnitude volume: as it is (magnitude-retrospective), or with phase and noise first."""

MEASURED_TRACKS = ("raw", "replica")
"""What is undersampled already: a scanner's data, or those of a real object."""

PLANE_AXCODES = {"coronal": "AIL", "axial": "SPL", "sagittal": "RIA"}
"""Towards what the axes (N, H, W) of each plane's slices grow, as they are displayed: H down, W to the right."""

PLANES = tuple(PLANE_AXCODES)
"""Orientations of slices."""

EQUIPMENT = "monai_gan_recon"
"""Manufacturer and model name of what this package writes as DICOM."""

MIN_SLICE_SIZE = 16
"""Least height and width of a slice in pixels that the networks take."""

MAX_SLICE_SIZE = 4096
"""Largest height and width that slices are padded to."""

MOST_COILS = 256
"""Most coils that are simulated; scanners have up to 128."""

INPUT_OPTIONS = ("input", "weights", "mask", "phase", "maps", "init_weights", "coil_maps")
"""Options of configurations that are files, or folders, which must be there."""

PATH_OPTIONS = (
    *INPUT_OPTIONS, "maps_cache", "source_dicom", "datalist", "dataset_dir", "output_dir", "ckpt_dir", "cache_dir",
    "bundle_root", "reconstruction_bundle",
)  # fmt: skip
"""Options of configurations that are files or folders."""
