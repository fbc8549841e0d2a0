"""Help for the tests of applications.

The distribution is a pytest plugin: its fixtures (`mongoengine_db`,
`async_mongoengine_db`, `mongoengine_alias`, `assert_num_commands` ...) are there
without an import.  See `mongoengine.testing.plugin`.
"""

from mongoengine.testing.commands import SentCommand, assert_num_commands

__all__ = ("SentCommand", "assert_num_commands")
