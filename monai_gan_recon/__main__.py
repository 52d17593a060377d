"""``python -m monai_gan_recon``: the command ``monai-gan-recon``."""

import sys

from monai_gan_recon.cli import main

sys.exit(main())
