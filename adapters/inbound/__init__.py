"""How ECGs and orders come in: one file a format, each with ``parse``; one line a format here."""
