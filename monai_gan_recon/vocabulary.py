"""Words and limits that the whole package shares."""

TRACKS = ("replica", "simulated")
"""Ways to undersample a magnitude volume: as it is (magnitude-retrospective), or with phase and noise first."""

MEASURED_TRACKS = ("raw", "replica")
"""What is undersampled already: a scanner's data, or those of a real object."""

PLANES = ("coronal", "axial", "sagittal")
"""Orientations of slices."""

MIN_SLICE_SIZE = 16
"""Least height and width of a slice in pixels that the networks take."""
