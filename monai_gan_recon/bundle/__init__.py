"""What the bundles' configurations call, and what runs them: strict options, the bundle's own folder, its network.

Importing it checks the command line of a running ``python -m monai.bundle``, see
:func:`~monai_gan_recon.bundle.command_line.check_at_import`; in any other program it does nothing.
"""

from monai_gan_recon.bundle.command_line import check_at_import, check_effect, command_line
from monai_gan_recon.bundle.values import read_config, refuse_code
from monai_gan_recon.bundle.workflow import bundle_network, bundle_root, open_bundle, typed_values

check_at_import()

__all__ = [
    "bundle_network",
    "bundle_root",
    "check_effect",
    "command_line",
    "open_bundle",
    "read_config",
    "refuse_code",
    "typed_values",
]
