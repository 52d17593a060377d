"""Downstream segmentation: preprocessing, tissue labels, networks' parts, instances, regions of interest."""

from monai_gan_recon.segmentation.artefacts import RandUndersamplingArtefact, RandUndersamplingArtefactd
from monai_gan_recon.segmentation.autocast import AutocastInferer, on_device
from monai_gan_recon.segmentation.bias_field import CorrectBiasField, CorrectBiasFieldd
from monai_gan_recon.segmentation.brain_mask import BrainMask, BrainMaskd
from monai_gan_recon.segmentation.dataset import TissuePatchDataset
from monai_gan_recon.segmentation.denoising import DenoiseAnisotropic, DenoiseAnisotropicd
from monai_gan_recon.segmentation.engine import TissueEvaluator
from monai_gan_recon.segmentation.instances import Instances, Instancesd, label_values
from monai_gan_recon.segmentation.label_writer import LabelWriter, save_labels
from monai_gan_recon.segmentation.labelled_volumes import (
    LoadTissueLabelsd,
    has_labels,
    labelled_entries,
    validation_entries,
)
from monai_gan_recon.segmentation.labels import (
    BACKGROUND,
    NUM_CLASSES,
    TISSUES,
    LoadLabels,
    LoadLabelsd,
    check_labels,
    labels_of_maps,
)
from monai_gan_recon.segmentation.mixture import CONTRASTS, TissueFit, TissueMixture
from monai_gan_recon.segmentation.options import check_inference_options, check_training_options
from monai_gan_recon.segmentation.region_report import label_image, region_files, write_region_report
from monai_gan_recon.segmentation.roi import Region, class_volumes, measure_regions, world_box
from monai_gan_recon.segmentation.segmenter import TissueSegmenter
from monai_gan_recon.segmentation.slice_network import MixtureCorrection, SliceNetwork
from monai_gan_recon.segmentation.tissue_features import MixtureScores, TissueFeatures, TissueFeaturesd
from monai_gan_recon.segmentation.training import SamplerEpoch, TissueProgress, TissueValidator

__all__ = [
    "BACKGROUND",
    "CONTRASTS",
    "NUM_CLASSES",
    "TISSUES",
    "AutocastInferer",
    "BrainMask",
    "BrainMaskd",
    "CorrectBiasField",
    "CorrectBiasFieldd",
    "DenoiseAnisotropic",
    "DenoiseAnisotropicd",
    "Instances",
    "Instancesd",
    "LabelWriter",
    "LoadLabels",
    "LoadLabelsd",
    "LoadTissueLabelsd",
    "MixtureCorrection",
    "MixtureScores",
    "RandUndersamplingArtefact",
    "RandUndersamplingArtefactd",
    "Region",
    "SamplerEpoch",
    "SliceNetwork",
    "TissueEvaluator",
    "TissueFeatures",
    "TissueFeaturesd",
    "TissueFit",
    "TissueMixture",
    "TissuePatchDataset",
    "TissueProgress",
    "TissueSegmenter",
    "TissueValidator",
    "check_inference_options",
    "check_labels",
    "check_training_options",
    "class_volumes",
    "has_labels",
    "label_image",
    "label_values",
    "labelled_entries",
    "labels_of_maps",
    "measure_regions",
    "on_device",
    "region_files",
    "save_labels",
    "validation_entries",
    "world_box",
    "write_region_report",
]
