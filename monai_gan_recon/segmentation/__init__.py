"""Downstream segmentation: preprocessing, tissue labels, networks' parts, instances, regions of interest."""

from monai_gan_recon.segmentation.artefacts import RandUndersamplingArtefact, RandUndersamplingArtefactd
from monai_gan_recon.segmentation.brain_extraction import BrainExtraction, ExtractBrain, ExtractBraind
from monai_gan_recon.segmentation.brain_mask import BrainMask, BrainMaskd
from monai_gan_recon.segmentation.dataset import TissuePatchDataset
from monai_gan_recon.segmentation.instances import Instances, Region, measure_regions
from monai_gan_recon.segmentation.labels import TISSUES
from monai_gan_recon.segmentation.mixture import TissueMixture
from monai_gan_recon.segmentation.networks import MixtureCorrection, MixtureScores
from monai_gan_recon.segmentation.preprocessing import (
    CorrectBiasField,
    CorrectBiasFieldd,
    DenoiseAnisotropic,
    DenoiseAnisotropicd,
)
from monai_gan_recon.segmentation.segmenter import TissueSegmenter
from monai_gan_recon.segmentation.tissue_features import TissueFeatures, TissueFeaturesd

__all__ = [
    "TISSUES",
    "BrainExtraction",
    "BrainMask",
    "BrainMaskd",
    "CorrectBiasField",
    "CorrectBiasFieldd",
    "DenoiseAnisotropic",
    "DenoiseAnisotropicd",
    "ExtractBrain",
    "ExtractBraind",
    "Instances",
    "MixtureCorrection",
    "MixtureScores",
    "RandUndersamplingArtefact",
    "RandUndersamplingArtefactd",
    "Region",
    "TissueFeatures",
    "TissueFeaturesd",
    "TissueMixture",
    "TissuePatchDataset",
    "TissueSegmenter",
    "measure_regions",
]
