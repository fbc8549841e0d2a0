"""Document classes: what a class statement makes, and how meta merges."""

from bson import ObjectId

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


def deleting_rules_in_meta(me, db):
    class Author(me.Document):
        pass

    class Book(me.Document):
        author = me.ReferenceField(Author, reverse_delete_rule=me.CASCADE)

    rules = Author._meta.get("delete_rules")
    return {
        "rules": [[cls.__name__, field, rule] for (cls, field), rule in rules.items()],
        "book": Book._meta.get("delete_rules"),
    }


def delete_rules_errors(me, db):
    class Author(me.Document):
        pass

    def on_embedded():
        class Part(me.EmbeddedDocument):
            author = me.ReferenceField(Author, reverse_delete_rule=me.CASCADE)

    def pull_on_a_reference():
        class Book(me.Document):
            author = me.ReferenceField(Author, reverse_delete_rule=me.PULL)

    def clashing_name():
        class Book(me.Document):
            delete = me.ReferenceField(Author, reverse_delete_rule=me.CASCADE)

    def abstract_holder():
        class Book(me.Document):
            author = me.ReferenceField(Author, reverse_delete_rule=me.CASCADE)
            meta = {"abstract": True}

    return [
        db.error(check)
        for check in (on_embedded, pull_on_a_reference, clashing_name, abstract_holder)
    ]


def registering_delete_rules(me, db):
    class Author(me.Document):
        pass

    class Book(me.Document):
        author = me.ReferenceField(Author)

    result = db.error(Author.register_delete_rule, Book, "author", me.NULLIFY)
    return [
        result,
        [[c.__name__, f, r] for (c, f), r in Author._meta["delete_rules"].items()],
        db.error(Author.register_delete_rule, Book, "missing", me.NULLIFY),
    ]


def the_registry(me, db):
    class Person(me.Document):
        pass

    class Address(me.EmbeddedDocument):
        pass

    class Base(me.Document):
        meta = {"allow_inheritance": True}

    class Child(Base):
        pass

    get = me.base.get_document
    return [
        get("Person"),
        get("Address"),
        get("Base.Child"),
        get("Child"),
        db.error(get, "Nobody"),
        db.error(get, "Base.Nobody"),
        sorted(
            name
            for name in me.base._document_registry
            if name in ("Person", "Address", "Base.Child", "Base")
        ),
    ]


def redefining_a_class(me, db):
    def define(collection):
        class Person(me.Document):
            meta = {"collection": collection}

        return Person

    first = define("one")
    second = define("two")
    return [
        me.base.get_document("Person")._get_collection_name(),
        first._get_collection_name(),
        second._get_collection_name(),
    ]


def dynamic_documents_classes(me, db):
    class Person(me.DynamicDocument):
        name = me.StringField()

    class Part(me.DynamicEmbeddedDocument):
        pass

    class Child(me.DynamicDocument):
        meta = {"allow_inheritance": True}

    class GrandChild(Child):
        x = me.IntField()

    return [
        Person._dynamic,
        Part._dynamic,
        sorted(Person._fields),
        GrandChild._class_name,
        GrandChild(x=1, y=2).to_mongo(),
        db.error(Person, _bad=1),
        db.error(Part, a=1),
    ]


def creation_counters_order_fields(me, db):
    class Person(me.Document):
        zebra = me.StringField()
        apple = me.StringField()
        meta = {"allow_inheritance": True}

    class Child(Person):
        mango = me.StringField()
        apple = me.IntField()

    return [
        Person._fields_ordered,
        Child._fields_ordered,
        Person.zebra.creation_counter < Person.apple.creation_counter,
        Person.id.creation_counter < 0,
    ]


def overriding_a_field(me, db):
    class Base(me.Document):
        value = me.StringField(db_field="v")
        meta = {"allow_inheritance": True}

    class Child(Base):
        value = me.IntField()

    return [
        Child._db_field_map,
        Child._reverse_db_field_map,
        Child(value=3).to_mongo(),
        Base(value="x").to_mongo(),
        type(Child._fields["value"]).__name__,
    ]


def strict_and_unknown_fields(me, db):
    class Strict(me.Document):
        name = me.StringField()

    class Loose(me.Document):
        name = me.StringField()
        meta = {"strict": False}

    class Part(me.EmbeddedDocument):
        a = me.IntField()

    class LoosePart(me.EmbeddedDocument):
        a = me.IntField()
        meta = {"strict": False}

    key = ObjectId("5f0000000000000000000001")
    db.insert("strict", {"_id": key, "name": "n", "extra": 1, "more": 2})
    db.insert("loose", {"_id": key, "name": "n", "extra": 1})
    loose = Loose.objects.first()
    return [
        db.error(Strict.objects.first),
        loose,
        hasattr(loose, "extra"),
        loose.to_mongo(),
        db.error(Strict, name="n", extra=1),
        db.error(Loose, name="n", extra=1),
        db.error(Part, b=1),
        db.error(LoosePart, b=1, a=2),
        db.error(Part._from_son, {"a": 1, "b": 2}),
        db.error(LoosePart._from_son, {"a": 1, "b": 2}),
    ]


def strict_keyword_of_the_constructor(me, db):
    class Person(me.Document):
        name = me.StringField()

    person = db.error(lambda: Person(name="a", __strict__=False))
    return [person, db.error(lambda: Person(name="a", __auto_convert=False))]


def capped_collections(me, db):
    class Log(me.Document):
        line = me.StringField()
        meta = {"max_documents": 3, "max_size": 90000}

    for number in range(5):
        Log(line=str(number)).save()
    commands = db.commands()
    return {
        "lines": [log.line for log in Log.objects],
        "first": commands[:3],
        "count": Log.objects.count(),
        "options": db.plain[db.name]["log"].options().get("capped"),
    }


def capped_collection_defaults(me, db):
    class Small(me.Document):
        meta = {"max_documents": 10}

    class Sized(me.Document):
        meta = {"max_size": 5000}

    Small().save()
    first = db.commands()
    Sized().save()
    return [first, db.commands()]


@differs("the error names the collection")
def capped_collection_mismatch(me, db):
    def define(**sizes):
        class Log(me.Document):
            line = me.StringField()
            meta = sizes

        return Log

    define(max_documents=10, max_size=8192)(line="a").save()
    return [
        db.error(lambda: define(max_documents=10, max_size=8192)(line="b").save()),
        db.error(lambda: define(max_documents=20, max_size=8192)(line="c").save()),
        db.error(lambda: define(max_documents=10, max_size=4096)(line="d").save()),
        db.error(lambda: define(max_size=8192)(line="e").save()),
    ]


@differs("the error names the collection")
def capped_but_exists_uncapped(me, db):
    db.insert("log", {"_id": ObjectId("5f0000000000000000000001")})

    class Log(me.Document):
        meta = {"max_documents": 10, "max_size": 8192}

    return db.error(lambda: Log().save())


def timeseries_collections(me, db):
    class Reading(me.Document):
        ts = me.DateTimeField(required=True)
        value = me.FloatField()
        meta = {
            "timeseries": {
                "timeField": "ts",
                "granularity": "hours",
                "expireAfterSeconds": 5,
            }
        }

    db.scripted(
        {"listCollections": {"ok": 1.0, "cursor": _names("other"), "operationTime": 1}}
    )
    Reading(ts="2024-01-02T03:04:05", value=1.5).save()
    return db.commands()


def timeseries_mismatch(me, db):
    def reading(**series):
        class Reading(me.Document):
            ts = me.DateTimeField()
            meta = {"timeseries": series}

        return Reading

    options = {"timeseries": {"timeField": "other"}}
    db.scripted({"listCollections": {"ok": 1.0, "cursor": _names("reading", options)}})
    made = reading(timeField="ts")
    return [
        db.error(lambda: made(ts="2024-01-02").save()),
        db.error(lambda: reading(timeField="other")(ts="2024-01-02").save()),
        db.commands(),
    ]


def _names(*names):
    options = {}
    if isinstance(names[-1], dict):
        *names, options = names
    batch = [{"name": n, "type": "collection", "options": options} for n in names]
    return {"id": 0, "ns": "DB.$cmd.listCollections", "firstBatch": batch}


def own_init_is_honoured(me, db):
    class Person(me.Document):
        name = me.StringField()

        def __init__(self, *args, **values):
            super().__init__(*args, **values)
            self.greeting = "hello " + str(self.name)

    Person(name="Ada").save()
    return [Person.objects.first().greeting, Person(name="x").greeting]


def own_attributes_and_properties(me, db):
    class Person(me.Document):
        first = me.StringField()
        last = me.StringField()
        counter = 0

        @property
        def full(self):
            return f"{self.first} {self.last}"

        @full.setter
        def full(self, value):
            self.first, self.last = value.split()

    person = Person(first="Ada", last="L")
    person.full = "Grace Hopper"
    person.other = 3
    return [
        person.full,
        person.to_mongo(),
        person.other,
        db.error(Person, full="a b"),
        db.error(Person, counter=3),
        person._get_changed_fields(),
    ]


def map_reduce_document(me, db):
    class Person(me.Document):
        name = me.StringField()

    saved = Person(name="a").save()
    made = me.MapReduceDocument(Person, Person._get_collection(), saved.id, 3.0)
    db.quiet()
    return [
        made.key == saved.id,
        made.value,
        made.object == saved,
        db.commands(),
        made.object is made.object,
        made._key_type if hasattr(made, "_key_type") else None,
    ]


def meta_is_copied_not_shared(me, db):
    class Base(me.Document):
        a = me.IntField()
        meta = {"allow_inheritance": True, "indexes": ["a"]}

    class Child(Base):
        pass

    Child._meta["indexes"].append("extra")
    return [Base._meta["indexes"], Child._meta["indexes"], hasattr(Base, "meta")]


def meta_of_embedded_and_dynamic(me, db):
    class Part(me.EmbeddedDocument):
        a = me.IntField()
        meta = {"allow_inheritance": True, "x": 1}

    class Child(Part):
        meta = {"y": 2}

    class Dyn(me.DynamicDocument):
        meta = {"allow_inheritance": True, "collection": "dd"}

    return [
        dict(Part._meta),
        dict(Child._meta),
        Dyn._meta["collection"],
        Dyn._meta["allow_inheritance"],
    ]


def field_owner_documents(me, db):
    class Base(me.Document):
        a = me.IntField()
        l = me.ListField(me.IntField())  # noqa: E741
        meta = {"allow_inheritance": True}

    class Child(Base):
        b = me.IntField()

    class Abstract(me.Document):
        x = me.IntField()
        meta = {"abstract": True}

    class One(Abstract):
        pass

    class Two(Abstract):
        pass

    return [
        Child.a.owner_document,
        Child.b.owner_document,
        Base.l.field.owner_document,
        One.x.owner_document,
        Two.x.owner_document,
        db.error(setattr, Base.a, "owner_document", Child),
    ]


def document_metaclasses(me, db):
    class Person(me.Document):
        pass

    class Part(me.EmbeddedDocument):
        pass

    known = ("Document", "EmbeddedDocument", "BaseDocument", "object")
    return [
        type(Person).__name__,
        type(Part).__name__,
        [base.__name__ for base in Person.__mro__ if base.__name__ in known],
        [base.__name__ for base in Part.__mro__ if base.__name__ in known],
        Person.my_metaclass,
        Part.my_metaclass,
        Person.STRICT,
    ]


def docstrings_and_modules(me, db):
    class Person(me.Document):
        """Somebody."""

    return [Person.__doc__, Person.__module__, Person.DoesNotExist.__module__]
