"""Evaluation: scores of volumes, statistics over people, result files, tables and figures."""

from monai_gan_recon.evaluation.figures import comparison_figure, comparison_rows_figure
from monai_gan_recon.evaluation.metrics_file import read_metrics, write_metrics
from monai_gan_recon.evaluation.report import ReconstructionReport
from monai_gan_recon.evaluation.results import PersonRow, SliceRow, dataset_summary, mean_and_ci, person_means
from monai_gan_recon.evaluation.table import metrics_table
from monai_gan_recon.evaluation.volume_scores import VolumeScores, score_volume

__all__ = [
    "PersonRow",
    "ReconstructionReport",
    "SliceRow",
    "VolumeScores",
    "comparison_figure",
    "comparison_rows_figure",
    "dataset_summary",
    "mean_and_ci",
    "metrics_table",
    "person_means",
    "read_metrics",
    "score_volume",
    "write_metrics",
]
