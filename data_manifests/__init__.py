"""Manifests of public data sets, one JSON a data set; see :mod:`monai_gan_recon.data.manifest`."""
