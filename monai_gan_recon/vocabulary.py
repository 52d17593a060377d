"""Words and limits that the whole package shares."""

TRACKS = ("replica", "simulated")
"""Ways to undersample a magnitude volume: the published replica, and simulated phase and noise."""

PLANES = ("coronal", "axial", "sagittal")
"""Orientations of slices."""

MIN_SLICE_SIZE = 16
"""Least height and width of a slice in pixels that the networks take."""
