"""Operations: the body of each, written once."""
