"""Keep passwords out of what is printed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mongoengine.driver.types import PassedOn

__all__ = ("HIDDEN", "Settings", "without_password")

HIDDEN = "***"

#: The password of a URI, to the last `@` before its options.
_PASSWORD = r"(?<=://)([^:/@\s]*):[^\s?]*@"
#: Options of a URI that are secrets.
_OPTIONS = (
    r"(?i)\b(authMechanismProperties|tlsCertificateKeyFilePassword|password)"
    r"=[^&\s'\"]*"
)
#: The settings of an alias, and options of clients, that are secrets.
_SECRETS = frozenset(
    (
        "password",
        "authmechanismproperties",
        "tlscertificatekeyfilepassword",
        "ssl_pem_passphrase",
        "auto_encryption_opts",
    )
)


def without_password(text: str) -> str:
    """Return `text` with the password of each URI in it replaced by `***`."""
    text = re.sub(_PASSWORD, rf"\1:{HIDDEN}@", text)
    return re.sub(_OPTIONS, rf"\1={HIDDEN}", text)


class Settings(dict[str, Any]):
    """The settings of an alias: the arguments of `connect()`, defaults included.

    They are printed without passwords.
    """

    def __repr__(self) -> str:
        return repr({key: _shown(key, value) for key, value in self.items()})

    def replace(self, **changes: PassedOn) -> Settings:
        """Return a copy with other values."""
        return Settings({**self, **changes})

    def hide(self, text: str) -> str:
        """Return `text` without the passwords that are among the settings."""
        for secret in _secrets_in(self):
            text = text.replace(secret, HIDDEN)
        return without_password(text)


def _shown(key: str, value: object) -> object:
    if key.lower() in _SECRETS and value is not None:
        return HIDDEN
    if isinstance(value, str):
        return without_password(value)
    if isinstance(value, (list, tuple)):
        return [_shown("", item) for item in value]
    return value


def _secrets_in(settings: Mapping[str, object]) -> set[str]:
    return {
        value
        for key, value in settings.items()
        if key.lower() in _SECRETS and isinstance(value, str) and value
    }
