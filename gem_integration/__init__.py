"""The words and rules of an ECG read."""
