"""Images from undersampled MRI, for research: GAN-ResNet50 and unrolled reconstruction for MONAI.

Example:
    >>> import monai_gan_recon as mgr
    >>> image = mgr.reconstruct("scan.nii.gz", rate=0.25)  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from monai_gan_recon.api import reconstruct

__version__ = "0.6.0"
__all__ = ["__version__", "reconstruct"]


def __getattr__(name: str) -> Any:
    """What needs torch is imported when it is asked for."""
    if name == "reconstruct":
        from monai_gan_recon.api import reconstruct

        return reconstruct
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
