"""Code tables as data: one CSV per table, read once, each row citing its source."""
