"""Frozen values of an ECG read; standard library and numpy only."""
