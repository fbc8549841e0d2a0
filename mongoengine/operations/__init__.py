"""What happens: the body of each operation, written once."""
