"""What undersampling and reconstruction do to the segmentation of a data set, scan by scan."""
