"""A manager with the class of its querysets as its type parameter."""

from __future__ import annotations

from mongoengine import Document, IntField, QuerySet, QuerySetManager


class PersonQuerySet(QuerySet["ManagedPerson"]):
    def adults(self) -> PersonQuerySet:
        return self.filter(age__gte=18)


class ManagedPerson(Document):
    age = IntField()

    objects = QuerySetManager[PersonQuerySet]()


def test_the_type_parameter_is_the_class_of_the_querysets() -> None:
    assert type(ManagedPerson.objects) is PersonQuerySet
    assert type(ManagedPerson.objects.adults()) is PersonQuerySet


def test_the_type_parameter_is_the_queryset_class_of_the_document_class() -> None:
    assert ManagedPerson._meta["queryset_class"] is PersonQuerySet


def test_a_manager_without_a_type_parameter_has_the_usual_class() -> None:
    class Plain(Document):
        objects = QuerySetManager()

    assert type(Plain.objects) is QuerySet
    assert QuerySetManager().queryset_class is None


def test_a_generic_queryset_class_is_taken_without_its_parameters() -> None:
    class Generic(Document):
        objects = QuerySetManager[QuerySet["Generic"]]()

    assert type(Generic.objects) is QuerySet
