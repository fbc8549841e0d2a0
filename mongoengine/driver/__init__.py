"""Clients, sessions, transactions, cursors and event loops."""
