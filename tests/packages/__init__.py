"""Packages that are used with MongoEngine, and examples of what they do."""
