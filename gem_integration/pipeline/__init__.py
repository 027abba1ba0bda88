"""The straight line, one file an entrance: receive, read, deliver. No entrance calls another."""
