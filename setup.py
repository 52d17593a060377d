"""Puts the bundles and data manifests, which lie at the top of the source tree, inside the installed package."""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["monai_gan_recon*"]),
        "monai_gan_recon.bundles",
        "monai_gan_recon.data_manifests",
    ],
    package_dir={
        "monai_gan_recon.bundles": "bundles",
        "monai_gan_recon.data_manifests": "data_manifests",
    },
    package_data={
        "monai_gan_recon": ["py.typed", "report/*.html"],
        "monai_gan_recon.bundles": ["*/LICENSE", "*/configs/**/*", "*/docs/*", "*/models/*.pt"],
        "monai_gan_recon.data_manifests": ["*.json"],
    },
)
