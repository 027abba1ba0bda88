"""Timings of this machine; run with `make bench`."""
