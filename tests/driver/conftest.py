from tests.families import _plain_client, family, mongo, server_uri

__all__ = ("_plain_client", "family", "mongo", "server_uri")
