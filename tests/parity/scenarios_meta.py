"""Document classes: their meta, names, inheritance and keys."""

from .harness import differs


def meta_of_a_plain_document(me, db):
    class Person(me.Document):
        name = me.StringField()

    meta = dict(Person._meta)
    return {
        "keys": sorted(meta),
        "collection": meta["collection"],
        "abstract": meta["abstract"],
        "indexes": meta["indexes"],
        "index_specs": meta["index_specs"],
        "ordering": meta["ordering"],
        "delete_rules": meta.get("delete_rules"),
        "id_field": meta["id_field"],
        "queryset_class": meta.get("queryset_class"),
        "max_documents": meta["max_documents"],
        "max_size": meta["max_size"],
        "allow_inheritance": meta.get("allow_inheritance"),
    }


def attributes_of_a_document_class(me, db):
    class Person(me.Document):
        name = me.StringField(db_field="n")
        age = me.IntField()

    return {
        "class_name": Person._class_name,
        "superclasses": Person._superclasses,
        "subclasses": Person._subclasses,
        "types": Person._types if hasattr(Person, "_types") else None,
        "fields": sorted(Person._fields),
        "fields_ordered": Person._fields_ordered,
        "db_field_map": Person._db_field_map,
        "reverse": Person._reverse_db_field_map,
        "is_document": Person._is_document,
        "dynamic": Person._dynamic,
        "collection": Person._get_collection_name(),
        "cls": hasattr(Person, "_cls"),
        "is_base_cls": Person._is_base_cls,
        "owner": Person.name.owner_document,
        "field name": [Person.name.name, Person.name.db_field],
        "exceptions": [
            Person.DoesNotExist.__name__,
            Person.DoesNotExist.__qualname__.rpartition(".")[2],
            Person.DoesNotExist.__bases__,
            Person.MultipleObjectsReturned.__bases__,
        ],
    }


def attributes_of_an_embedded_class(me, db):
    class Address(me.EmbeddedDocument):
        city = me.StringField(db_field="c")

    return {
        "class_name": Address._class_name,
        "fields": sorted(Address._fields),
        "is_document": Address._is_document,
        "meta": sorted(Address._meta),
        "subclasses": Address._subclasses,
        "has_objects": hasattr(Address, "objects"),
        "has_id": "id" in Address._fields,
    }


def collection_names(me, db):
    class BlogPost(me.Document):
        pass

    class HTTPServer(me.Document):
        pass

    class lower(me.Document):
        pass

    class With_Underscore(me.Document):
        pass

    class V2Thing(me.Document):
        pass

    class Named(me.Document):
        meta = {"collection": "elsewhere"}

    class Called(me.Document):
        meta = {"collection": lambda cls: "of_" + cls.__name__.lower()}

    return [
        cls._get_collection_name()
        for cls in (BlogPost, HTTPServer, lower, With_Underscore, V2Thing, Named)
    ] + [Called._get_collection_name()]


def collection_of_subclasses(me, db):
    class Base(me.Document):
        meta = {"allow_inheritance": True}

    class Child(Base):
        pass

    class GrandChild(Child):
        pass

    class AbstractBase(me.Document):
        meta = {"abstract": True}

    class OfAbstract(AbstractBase):
        pass

    class NamedAbstract(me.Document):
        meta = {"abstract": True, "collection": lambda cls: "x_" + cls.__name__}

    class OfNamed(NamedAbstract):
        pass

    return [
        [cls.__name__, cls._get_collection_name()]
        for cls in (Base, Child, GrandChild, AbstractBase, OfAbstract, OfNamed)
    ]


def inheritance_names_subclasses(me, db):
    class Animal(me.Document):
        meta = {"allow_inheritance": True}

    class Fish(Animal):
        pass

    class Mammal(Animal):
        pass

    class Dog(Mammal):
        pass

    class Human(Mammal):
        pass

    return {
        cls.__name__: [
            cls._class_name,
            sorted(cls._subclasses),
            sorted(cls._superclasses),
            cls._cls if hasattr(cls, "_cls") else None,
        ]
        for cls in (Animal, Fish, Mammal, Dog, Human)
    }


def inheritance_not_allowed(me, db):
    class Animal(me.Document):
        name = me.StringField()

    def subclass():
        class Dog(Animal):
            pass

    class Allowed(me.Document):
        meta = {"allow_inheritance": True}

    def forbid_again():
        class Child(Allowed):
            meta = {"allow_inheritance": False}

    return [db.error(subclass), db.error(forbid_again)]


def embedded_inheritance(me, db):
    class Comment(me.EmbeddedDocument):
        text = me.StringField()

    def subclass():
        class Special(Comment):
            pass

    class Open(me.EmbeddedDocument):
        meta = {"allow_inheritance": True}

    class Child(Open):
        pass

    return [
        db.error(subclass),
        Child._class_name,
        sorted(Open._subclasses),
        Child().to_mongo(),
        Open().to_mongo(),
    ]


def polymorphic_loading(me, db):
    class Animal(me.Document):
        name = me.StringField()
        meta = {"allow_inheritance": True}

    class Dog(Animal):
        breed = me.StringField()

    class Puppy(Dog):
        weeks = me.IntField()

    Animal(name="a").save()
    Dog(name="d", breed="b").save()
    Puppy(name="p", breed="c", weeks=3).save()
    db.quiet()
    return {
        "all": [type(a).__name__ for a in Animal.objects.order_by("name")],
        "dogs": [type(a).__name__ for a in Dog.objects.order_by("name")],
        "puppies": list(Puppy.objects),
        "commands": db.commands(),
        "raw": db.raw("animal"),
    }


def unknown_class_in_the_database(me, db):
    class Animal(me.Document):
        meta = {"allow_inheritance": True}

    db.insert("animal", {"_id": 1, "_cls": "Animal.Unicorn"})
    db.insert("animal", {"_id": 2, "_cls": "Animal"})
    return [
        db.error(lambda: list(Animal.objects.no_sub_classes())),
        db.error(lambda: list(Animal.objects.clear_cls_query()))
        if hasattr(me.QuerySet, "clear_cls_query")
        else None,
        db.error(Animal._from_son, {"_id": 1, "_cls": "Animal.Unicorn"}),
        db.error(Animal._from_son, {"_id": 1, "_cls": "Unicorn"}),
    ]


def abstract_documents_have_no_collection(me, db):
    class Abstract(me.Document):
        name = me.StringField()
        meta = {"abstract": True}

    class Concrete(Abstract):
        age = me.IntField()

    Concrete(name="n", age=1).save()
    return {
        "name": Abstract._get_collection_name(),
        "fields": sorted(Concrete._fields),
        "abstract fields": sorted(Abstract._fields),
        "stored": db.raw("concrete"),
        "meta": [Abstract._meta.get("abstract"), Concrete._meta.get("abstract")],
        "objects": db.error(lambda: list(Abstract.objects)),
        "save": db.error(lambda: Abstract(name="x").save()),
    }


def abstract_in_the_middle(me, db):
    class Base(me.Document):
        a = me.IntField()
        meta = {"abstract": True}

    class Middle(Base):
        b = me.IntField()
        meta = {"abstract": True, "allow_inheritance": True}

    class Leaf(Middle):
        c = me.IntField()

    class Under(Leaf):
        d = me.IntField()

    Under(a=1, b=2, c=3, d=4).save()
    return {
        "names": [Leaf._class_name, Under._class_name],
        "sub": sorted(Leaf._subclasses),
        "collection": Under._get_collection_name(),
        "stored": db.raw("leaf"),
        "order": Under._fields_ordered,
    }


def mixins_give_fields(me, db):
    class Stamped:
        created = me.DateTimeField()
        plain = 3

        def hello(self):
            return "hello"

    class Post(me.Document, Stamped):
        title = me.StringField()

    class Other(Stamped, me.Document):
        title = me.StringField()

    return {
        "post": sorted(Post._fields),
        "other": sorted(Other._fields),
        "ordered": Post._fields_ordered,
        "method": Post().hello(),
        "plain": Post.plain,
    }


def multiple_inheritance(me, db):
    class A(me.Document):
        a = me.IntField()
        shared = me.StringField(default="A")
        meta = {"abstract": True, "indexes": ["a"]}

    class B(me.Document):
        b = me.IntField()
        shared = me.StringField(default="B")
        meta = {"abstract": True, "indexes": ["b"]}

    class C(A, B):
        c = me.IntField()

    return {
        "fields": sorted(C._fields),
        "default": C().shared,
        "indexes": C._meta["indexes"],
        "specs": C._meta["index_specs"],
        "class": C._class_name,
    }


def indexes_merge_down(me, db):
    class Base(me.Document):
        a = me.IntField()
        meta = {"allow_inheritance": True, "indexes": ["a"]}

    class Child(Base):
        b = me.IntField()
        meta = {"indexes": ["b", ("a", "-b")]}

    class Quiet(Base):
        c = me.IntField(unique=True)

    return [
        [cls.__name__, cls._meta["indexes"], cls._meta["index_specs"]]
        for cls in (Base, Child, Quiet)
    ]


def ordering_and_other_keys_inherit(me, db):
    class MyQuerySet(me.QuerySet):
        pass

    class Base(me.Document):
        a = me.IntField()
        meta = {
            "allow_inheritance": True,
            "ordering": ["-a"],
            "queryset_class": MyQuerySet,
            "db_alias": "default",
            "strict": False,
            "custom": {"kept": True},
            "shard_key": ("a",),
            "index_background": True,
            "auto_create_index": False,
        }

    class Child(Base):
        pass

    class Other(Base):
        meta = {"ordering": ["a"], "custom": 2, "strict": True}

    shown = []
    for cls in (Base, Child, Other):
        shown.append(
            {
                key: cls._meta.get(key)
                for key in (
                    "ordering",
                    "queryset_class",
                    "db_alias",
                    "strict",
                    "custom",
                    "shard_key",
                    "index_background",
                    "auto_create_index",
                    "collection",
                )
            }
        )
    return shown


def unknown_meta_keys_are_kept(me, db):
    class Person(me.Document):
        meta = {"anything": [1, 2], "cascade": True, "index_opts": {"sparse": True}}

    return {key: Person._meta[key] for key in ("anything", "cascade", "index_opts")}


def automatic_primary_keys(me, db):
    class Plain(me.Document):
        pass

    class OwnId(me.Document):
        id = me.IntField()
        other = me.StringField(primary_key=True)

    class Named(me.Document):
        name = me.StringField(primary_key=True)

    class IdWithoutKey(me.Document):
        id = me.IntField()

    class TakenBoth(me.Document):
        id = me.IntField()
        auto_id_0 = me.StringField()

    shown = {}
    for cls in (Plain, OwnId, Named, IdWithoutKey, TakenBoth):
        shown[cls.__name__] = [
            cls._meta["id_field"],
            sorted(cls._fields),
            cls._fields_ordered,
            cls._db_field_map,
            [f.db_field for f in map(cls._fields.get, cls._fields_ordered)],
        ]
    return shown


@differs("an automatic id without an attribute of its name is in _data, as None")
def auto_id_names(me, db):
    class Both(me.Document):
        id = me.IntField(db_field="x")
        title = me.StringField()

    class UnderscoreId(me.Document):
        key = me.IntField(db_field="_id")

    found = [
        [cls._meta["id_field"], cls._fields_ordered] for cls in (Both, UnderscoreId)
    ]
    return [
        found,
        db.error(lambda: Both(id=3, title="t").save()),
        db.raw("both"),
        db.error(lambda: UnderscoreId(key=4).save()),
        db.raw("underscore_id"),
    ]


def primary_key_and_pk(me, db):
    class Person(me.Document):
        name = me.StringField(primary_key=True)

    person = Person(pk="ada")
    person.save()
    other = Person(name="bob")
    before = other.pk
    other.pk = "carol"
    return [person.name, person.pk, before, other.name, db.raw("person")]


def two_primary_keys(me, db):
    def define():
        class Person(me.Document):
            a = me.StringField(primary_key=True)
            b = me.StringField(primary_key=True)

    def override():
        class Base(me.Document):
            a = me.StringField(primary_key=True)
            meta = {"allow_inheritance": True}

        class Child(Base):
            b = me.StringField(primary_key=True)

    return [db.error(define), db.error(override)]


def inherited_primary_key(me, db):
    class Base(me.Document):
        key = me.StringField(primary_key=True)
        meta = {"allow_inheritance": True}

    class Child(Base):
        value = me.IntField()

    Child(key="k", value=1).save()
    return [Child._meta["id_field"], sorted(Child._fields), db.raw("base")]


def class_definition_errors(me, db):
    def duplicate_db_field():
        class Person(me.Document):
            a = me.StringField(db_field="x")
            b = me.StringField(db_field="x")

    def duplicate_by_name():
        class Person(me.Document):
            a = me.StringField()
            b = me.StringField(db_field="a")

    def field_with_dot():
        class Person(me.Document):
            a = me.StringField(db_field="x.y")

    def field_with_dollar():
        class Person(me.Document):
            a = me.StringField(db_field="$x")

    def field_with_null():
        class Person(me.Document):
            a = me.StringField(db_field="x\0y")

    def db_field_kind():
        class Person(me.Document):
            a = me.StringField(db_field=3)

    def primary_key_with_db_field():
        class Person(me.Document):
            a = me.StringField(primary_key=True, db_field="x")

    def unknown_field_argument():
        class Person(me.Document):
            a = me.StringField(nonsense=True)

    def embedded_primary_key():
        class Person(me.EmbeddedDocument):
            a = me.StringField(primary_key=True)

    def mixed_bases():
        class Person(me.Document, me.EmbeddedDocument):
            pass

    return {
        check.__name__: db.error(check)
        for check in (
            duplicate_db_field,
            duplicate_by_name,
            field_with_dot,
            field_with_dollar,
            field_with_null,
            db_field_kind,
            primary_key_with_db_field,
            unknown_field_argument,
            embedded_primary_key,
            mixed_bases,
        )
    }


def class_definition_warnings(me, db):
    def primary_key_with_db_field():
        class Person(me.Document):
            a = me.StringField(primary_key=True, db_field="x")

    def custom_keywords():
        class Person(me.Document):
            a = me.StringField(help_text="fine", verbose_name="A")

    def index_drop_dups():
        class Person(me.Document):
            a = me.StringField()
            meta = {"indexes": ["a"], "index_drop_dups": True}

    def collection_in_a_subclass():
        class Base(me.Document):
            meta = {"allow_inheritance": True}

        class Child(Base):
            meta = {"collection": "other"}

    def shadowing():
        class Person(me.Document):
            save = me.StringField()

    return {
        check.__name__: db.warned(check)
        for check in (
            primary_key_with_db_field,
            custom_keywords,
            index_drop_dups,
            collection_in_a_subclass,
        )
    } | {"shadowing": db.error(shadowing)}


def field_keyword_clashes(me, db):
    return [
        db.error(me.StringField, name="x"),
        db.error(me.StringField, to_python=1),
        db.error(me.StringField, required=True, verbose_name="v"),
        db.error(me.IntField, creation_counter=2),
        me.StringField(help_text="h").help_text,
    ]
