"""What is asked: filters, updates, projections and options, without I/O."""
