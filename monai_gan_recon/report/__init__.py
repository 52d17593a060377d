"""Reports to look at: one self-contained HTML page a volume, and a preview picture."""

from monai_gan_recon.report.page import preview_path, write_report

__all__ = ["preview_path", "write_report"]
