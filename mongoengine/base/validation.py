"""Checking the values of documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mongoengine.base import hooks
from mongoengine.base.state import EMPTY, DocumentState
from mongoengine.errors import ValidationError

if TYPE_CHECKING:
    from mongoengine.base.field import BaseField


__all__ = ("NON_FIELD_ERRORS", "DocumentValidation")

#: The key, among the errors of a document's fields, of what `clean` has raised.
NON_FIELD_ERRORS = "__all__"


class DocumentValidation(DocumentState):
    """The part of a document class that validates documents."""

    if not TYPE_CHECKING:
        __slots__ = ()

    def clean(self) -> None:
        """Check the whole document; called by `validate`, and empty unless overridden.

        Raise :class:`~mongoengine.errors.ValidationError` to refuse it.
        """

    def validate(self, clean: bool = True) -> None:
        """Check every field.

        :param clean: call `clean` of the document and of embedded ones, too.
        :raises ValidationError: with the failures of all fields in `errors`.
        """
        if not clean and not hooks.clean_is_off():
            with hooks.without_clean():
                DocumentValidation.validate(self, clean=False)
            return
        errors: dict[str, object] = {}
        if clean:
            hook = self.clean
            if getattr(hook, "__func__", None) is not DocumentValidation.clean:
                try:
                    hooks.run_clean(self, hook)
                except ValidationError as failure:
                    errors[NON_FIELD_ERRORS] = failure
        values, raw = self._values, self._raw
        schema = type(self)._schema
        if not errors and (
            schema.surely_valid(raw or {})
            if values is EMPTY
            else schema.values_surely_valid(values)
            if raw is None
            else schema.mostly_raw_valid(values, raw)
        ):
            return
        checks = schema.checks()
        for name, key, field, surely, proof, valid, exact, test, needed in checks:
            if name in values:
                value = values[name]
                value_type = type(value)
                if value_type in valid:
                    continue
                if value_type in exact:
                    if proof is not None and proof(value):
                        continue
                elif test is not None and test(value):
                    continue
            else:
                value = None if raw is None else raw.get(key)
                if value.__class__ in surely or (
                    proof is not None and value is not None and proof(value)
                ):
                    continue
                if value is not None or needed:
                    value = self._touch(field)
                    values = self._values
            self._check_field(field, value, clean, errors)
        if self._dynamic:
            for name, field in self._dynamic_plan.fields.items():
                value = values.get(name)
                if type(value) not in field._surely_valid:
                    self._check_field(field, value, clean, errors)
        if errors:
            raise ValidationError(
                f"ValidationError ({self._class_name}:{self._pk_for_message()}) ",
                errors=errors,
            )

    def _is_surely_valid(self) -> bool:
        """Return whether `validate` is certain to pass, without calling it."""
        schema = type(self)._schema
        if schema.own_validation or self._dynamic:
            return False
        values, raw = self._values, self._raw
        if values is EMPTY:
            return bool(schema.surely_valid(raw or {}))
        if raw is None and schema.values_surely_valid(values):
            return True
        checks = schema.checks()
        for name, key, field, surely, proof, valid, exact, test, needed in checks:
            if name in values:
                value = values[name]
                value_type = type(value)
                if value_type in valid:
                    continue
                if value is None:
                    if field.required:
                        return False
                elif value_type in exact:
                    if proof is None or not proof(value):
                        return False
                elif test is None or not test(value):
                    return False
            else:
                value = None if raw is None else raw.get(key)
                if value is None:
                    if needed:
                        return False
                elif value.__class__ not in surely and (
                    proof is None or not proof(value)
                ):
                    return False
        return True

    def _check_field(
        self, field: BaseField, value: object, clean: bool, errors: dict[str, object]
    ) -> None:
        if value is None:
            if field.required and not (
                field._auto_gen or field.name in type(self)._schema.stamped_names
            ):
                errors[field.name] = ValidationError(
                    "Field is required", field_name=field.name
                )
            return
        try:
            if clean or not field._passes_clean:
                field._validate(value)
            else:
                field._validate(value, clean=clean)
        except ValidationError as failure:
            errors[field.name] = failure.errors or failure
        except (ValueError, AttributeError, AssertionError) as failure:
            errors[field.name] = failure

    def _pk_for_message(self) -> object:
        """Return the primary key for a message; a sequence takes no number for it."""
        if hasattr(type(self), "pk"):
            name = self._meta.get("id_field")
            field = self._fields.get(name) if name else None
            if field is not None and field._auto_gen:
                return self._value_of(field.name, field)
        if hasattr(self, "pk"):
            return self.pk
        parent: Any = getattr(self, "_instance", None)
        try:
            return parent._pk_for_message() if hasattr(parent, "pk") else "None"
        except ReferenceError:
            # The document around this one is gone.
            return "None"
