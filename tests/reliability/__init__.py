"""Every operation against a table of faults, and cancelled wherever it can be."""
