"""What the bundles' configurations call: a strict command line, the bundle's own folder, another bundle's network."""

from monai_gan_recon.bundle.command_line import command_line
from monai_gan_recon.bundle.folders import bundle_network, bundle_root

__all__ = ["bundle_network", "bundle_root", "command_line"]
