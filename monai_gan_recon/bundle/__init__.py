"""What the bundles' configurations call: a strict command line, checked options, errors of one line."""

from monai_gan_recon.bundle.command_line import CommandLine, command_line
from monai_gan_recon.bundle.failing import fail, fail_clearly
from monai_gan_recon.bundle.folders import RECONSTRUCTION, SEGMENTATION, bundle_network, find_bundle
from monai_gan_recon.bundle.options import check_command_line
from monai_gan_recon.bundle.path_options import (
    validate_datalist,
    validate_file,
    validate_input,
    validate_output_dir,
)
from monai_gan_recon.bundle.root import bundle_root
from monai_gan_recon.bundle.validation import (
    validate_counts,
    validate_pattern,
    validate_plane,
    validate_protocol,
    validate_rate,
    validate_rate_range,
    validate_size,
    validate_snr,
    validate_track,
)
from monai_gan_recon.bundle.words import flag, plain

__all__ = [
    "RECONSTRUCTION",
    "SEGMENTATION",
    "CommandLine",
    "bundle_network",
    "bundle_root",
    "check_command_line",
    "command_line",
    "fail",
    "fail_clearly",
    "find_bundle",
    "flag",
    "plain",
    "validate_counts",
    "validate_datalist",
    "validate_file",
    "validate_input",
    "validate_output_dir",
    "validate_pattern",
    "validate_plane",
    "validate_protocol",
    "validate_rate",
    "validate_rate_range",
    "validate_size",
    "validate_snr",
    "validate_track",
]
