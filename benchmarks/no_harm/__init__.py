"""Where the networks help and where they do harm: all cells of a table against classical methods, resumable."""
