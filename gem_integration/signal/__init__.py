"""From a recording to numbers: quality, beats, delineation and measurements; deterministic, on the CPU."""
