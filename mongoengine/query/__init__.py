"""Queries: filters, updates, projections and options, without I/O."""
