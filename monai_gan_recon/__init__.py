"""Images from undersampled MRI, for research: GAN-ResNet50 and unrolled reconstruction for MONAI."""

__version__ = "0.2.0"
