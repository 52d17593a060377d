"""What the bundles' configurations call, and what runs them: strict options, the bundle's own folder, its network."""

from monai_gan_recon.bundle.command_line import command_line
from monai_gan_recon.bundle.folders import bundle_network, bundle_root
from monai_gan_recon.bundle.workflow import open_bundle, typed_values

__all__ = ["bundle_network", "bundle_root", "command_line", "open_bundle", "typed_values"]
