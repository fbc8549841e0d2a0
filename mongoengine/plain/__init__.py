"""Documents as plain data, and as types that Pydantic understands.

`dump` makes plain dicts of documents, `load` documents of plain dicts, `annotations`
says which Python type a field has, and `pydantic_types` makes schemas of that.
Pydantic is imported when one of its schemas is asked for.
"""
