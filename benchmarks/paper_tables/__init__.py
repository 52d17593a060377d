"""The paper's tables under one protocol: every system, size, rate and track, trained and tested alike."""
