"""Evaluation: scores of volumes, statistics over people, result files, tables and figures."""

from monai_gan_recon.evaluation.figures import comparison_figure
from monai_gan_recon.evaluation.metrics_file import PAIRED, RECONSTRUCTION, TISSUES, MetricsFile
from monai_gan_recon.evaluation.report import ReconstructionReport, TissueReport
from monai_gan_recon.evaluation.scores import VolumeScores, score_volume
from monai_gan_recon.evaluation.statistics import mean_and_ci
from monai_gan_recon.evaluation.tables import metrics_table, paired_table

__all__ = [
    "PAIRED",
    "RECONSTRUCTION",
    "TISSUES",
    "MetricsFile",
    "ReconstructionReport",
    "TissueReport",
    "VolumeScores",
    "comparison_figure",
    "mean_and_ci",
    "metrics_table",
    "paired_table",
    "score_volume",
]
