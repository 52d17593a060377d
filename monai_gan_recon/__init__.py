"""Images from undersampled MRI, for research: GAN-ResNet50 and unrolled reconstruction for MONAI."""

__version__ = "0.1.0"
