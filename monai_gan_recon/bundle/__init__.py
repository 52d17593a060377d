"""What the bundles' configurations call: a strict command line, the bundle's own folder, another bundle's network.

Importing it checks the command line of a running ``python -m monai.bundle``, see
:func:`~monai_gan_recon.bundle.command_line.check_at_import`; in any other program it does nothing.
"""

from monai_gan_recon.bundle.command_line import check_at_import, command_line
from monai_gan_recon.bundle.folders import bundle_network, bundle_root
from monai_gan_recon.bundle.values import read_config, refuse_code

check_at_import()

__all__ = ["bundle_network", "bundle_root", "command_line", "read_config", "refuse_code"]
