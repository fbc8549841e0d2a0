"""Files, images and sequences."""

import copy
import io
import pickle

from bson import ObjectId
from PIL import Image

from .harness import differs, not_async

_SYNC = not_async("what PyMongo's GridOut does itself is not one of our operations")


def _song(me, **options):
    class Song(me.Document):
        title = me.StringField()
        file = me.FileField(**options)

    return Song


def _png(width, height, kind="PNG", mode="RGB"):
    data = io.BytesIO()
    Image.new(mode, (width, height), 1).save(data, kind)
    data.seek(0)
    return data


def _files(db, name="fs"):
    """The files as stored, without what changes from run to run."""
    wanted = ("filename", "contentType", "length", "width", "height", "format", "foo")
    return [
        {key: found[key] for key in wanted if key in found}
        for found in db.raw(f"{name}.files")
    ]


def file_that_is_not_there(me, db):
    song = _song(me)()
    return [
        song._data,
        repr(song.file),
        str(song.file),
        bool(song.file),
        song.file.read(),
        song.file.get(),
        song.file.close(),
        db.error(lambda: song.file.filename),
        hasattr(song.file, "length"),
        song.to_mongo().to_dict(),
        song._get_changed_fields(),
        db.error(song.validate),
    ]


@_SYNC
def file_put_and_read(me, db):
    Song = _song(me)
    song = Song(title="x")
    song.file.put(b"hello", filename="h.txt", content_type="text/plain", foo=5)
    song.save()
    again = Song.objects.first()
    return [
        _files(db),
        again.file.read(),
        again.file.read(),
        again.file.seek(0),
        again.file.read(2),
        again.file.tell(),
        again.file.filename,
        again.file.content_type,
        again.file.length,
        again.file.foo,
        str(again.file),
        db.error(lambda: again.file.nothing),
        again.file == song.file,
        again.file != song.file,
        again.file == 5,
        again._get_changed_fields(),
    ]


def file_sources(me, db):
    Song = _song(me)
    sources = [b"bytes", "text", io.BytesIO(b"io"), io.StringIO("text"), 5, None]
    return [
        [db.error(Song().file.put, source) for source in sources],
        db.error(Song().file.put, "text", encoding="utf8"),
        _files(db),
    ]


def file_put_twice(me, db):
    Song = _song(me)
    song = Song()
    song.file.put(b"1")
    return [
        db.error(song.file.put, b"2"),
        db.error(song.file.write, b"2"),
        song.file.read(),
        _files(db),
    ]


def file_written_in_pieces(me, db):
    Song = _song(me)
    song = Song()
    song.file.new_file(filename="w", content_type="text/plain")
    song.file.write(b"ab")
    unread = song.file.read()
    failed = db.error(song.file.write, "text")
    song.file.write(b"cd")
    song.file.close()
    song.save()
    other = Song()
    other.file.writelines([b"x", b"y"])
    other.file.close()
    third = Song()
    third.file.write(b"z")
    third.file.close()
    return [
        unread,
        failed,
        song.file.read(),
        other.file.read(),
        third.file.read(),
        db.error(song.file.write, b"e"),
        _files(db),
    ]


def file_replaced_and_deleted(me, db):
    Song = _song(me)
    song = Song()
    song.file.put(b"old", filename="old")
    song.save()
    same, stale = Song.objects.first(), Song.objects.first()
    stale.file.get()
    same.file.replace(b"new", filename="new")
    changed = same._get_changed_fields()
    same.save()
    seen = [stale.file.read(), stale.file.filename, same.file.read()]
    again = Song.objects.first()
    gone = Song.objects.first()
    again.file.delete()
    deleted = [again._get_changed_fields(), repr(again.file), bool(again.file)]
    lost = [gone.file.get(), gone.file.read(), str(gone.file), bool(gone.file)]
    again.save()
    return [changed, seen, deleted, lost, _files(db), db.raw("song")]


def file_commands(me, db):
    Song = _song(me)
    song = Song()
    song.file.put(b"1", filename="one")
    song.save()
    song.file.delete()
    song.save()
    return _wire(db)


@differs("the new file is stored before the old one is removed")
def file_replacing_commands(me, db):
    Song = _song(me)
    song = Song()
    song.file.put(b"1", filename="one")
    song.save()
    db.quiet()
    song.file.replace(b"2", filename="two")
    song.save()
    return _wire(db)


def _wire(db):
    wire = []
    for command in db.commands():
        # Upstream looks for attributes of whatever it dumps, and so opens files.
        if command.get("find") == "fs.files" and command["filter"]:
            continue
        for document in command.get("documents", []):
            document.pop("uploadDate", None)
            document.pop("data", None)
        wire.append(command)
    return wire


def file_assigned(me, db):
    Song = _song(me)
    song = Song(file=b"first")
    steps = [song.file.read()]
    song.file = io.BytesIO(b"second")
    steps += [song.file.read(), song._get_changed_fields()]
    song.file = b"third"
    song.save()
    song.file = song.file
    steps += [song._get_changed_fields()]
    song.file = None
    steps += [repr(song.file), song._get_changed_fields()]
    song.save()
    return [steps, _files(db), db.raw("song")]


@differs("an assignment that fails keeps the file that is there")
def file_assigned_in_vain(me, db):
    song = _song(me)(file=b"first")
    failed = db.error(setattr, song, "file", "text")
    return [failed, repr(song.file), song.file.read(), _files(db)]


def file_validation(me, db):
    Song = _song(me)
    field, proxy = Song.file, me.fields.GridFSProxy
    loose = type("Loose", (), {"grid_id": ObjectId()})()
    return [
        db.error(field.validate, value)
        for value in (proxy(), proxy(ObjectId()), proxy("a"), loose, 5, None)
    ] + [
        db.error(Song(file=5).validate),
        db.error(Song(file=proxy("a")).validate),
        field.to_python(None),
        repr(field.to_python(5)),
        field.to_mongo(5),
        field.to_mongo(proxy()),
        field.to_mongo(proxy(5)),
    ]


def file_required(me, db):
    Song = _song(me, required=True)
    song = Song()
    song.file.put(b"x")
    db.insert("song", {"title": "without"})
    return [
        db.error(song.validate),
        db.error(Song(file=None).validate),
        db.error(Song().validate),
        db.error(Song.objects.first().validate),
        repr(Song.objects.first()._data["file"]),
    ]


def file_collections_and_aliases(me, db):
    db.connect("second", suffix="_second")

    class Song(me.Document):
        low = me.FileField(collection_name="low", db_field="l")
        far = me.FileField(db_alias="second")

    song = Song()
    song.low.put(b"low")
    song.far.put(b"far")
    song.save()
    again = Song.objects.first()
    return [
        _files(db, "low"),
        [found["length"] for found in db.raw("fs.files", suffix="_second")],
        again.low.read(),
        again.far.read(),
        [again.low.collection_name, again.far.db_alias, again.low.key],
        repr(Song.low.get_proxy_obj("k", None)),
        Song.low.get_proxy_obj("k", None, "x", "y").collection_name,
    ]


def files_in_lists_and_maps(me, db):
    class Album(me.Document):
        files = me.ListField(me.FileField())
        named = me.MapField(me.FileField(collection_name="named"))

    album = Album()
    for text in (b"a", b"bb"):
        proxy = me.fields.GridFSProxy()
        proxy.put(text)
        album.files.append(proxy)
    proxy = me.fields.GridFSProxy(collection_name="named")
    proxy.put(b"ccc")
    album.named["x"] = proxy
    album.save()
    again = Album.objects.first()
    bad = Album(files=[b"x"])
    return [
        [found.read() for found in again.files],
        again.named["x"].read(),
        _files(db),
        _files(db, "named"),
        db.error(bad.validate),
    ]


def file_copies(me, db):
    Song = _song(me)
    song = Song()
    song.file.put(b"x")
    song.save()
    shallow, deep = copy.copy(song.file), copy.deepcopy(song.file)
    loaded = Song.objects.first()
    db.publish(Song)
    pickled = pickle.loads(pickle.dumps(loaded))
    return [
        shallow == song.file,
        shallow is song.file,
        deep == song.file,
        type(deep).__name__,
        shallow.read(),
        pickled.file == song.file,
        pickled.file.read(),
        sorted(song.file.__getstate__().keys() - {"_fs_alias"}),  # ours alone
        db.error(hash, song.file),
    ]


def file_queries(me, db):
    Song = _song(me)
    song = Song(file=b"x").save()
    Song(title="none").save()
    return [
        Song.objects(file=song.file.grid_id).count(),
        Song.objects(file__ne=None).count(),
        Song.objects(file=None).count(),
        Song.objects.only("title").first().to_mongo().to_dict().keys() >= {"_id"},
    ]


def file_goes_with_its_document(me, db):
    Song = _song(me)
    Song(file=b"x").save().delete()
    Song(file=b"y").save()
    Song.objects.delete()
    return [_files(db), db.raw("song")]


@_SYNC
def large_file(me, db):
    Song = _song(me)
    song = Song()
    song.file.put(b"0123456789" * 10_000, chunk_size=1000)
    song.save()
    again = Song.objects.first()
    return [
        again.file.length,
        len(again.file.read()),
        again.file.seek(555),
        again.file.read(7),
        again.file.readline()[:3],
        len(db.raw("fs.chunks")),
    ]


def proxies_are_equal_by_id_and_place(me, db):
    proxy = me.fields.GridFSProxy
    others = [proxy(1), proxy(2), proxy(1, collection_name="a"), proxy(1, db_alias="a")]
    return [proxy(1) == other for other in others] + [vars(proxy(1, "k", "i"))]


# Images


def _picture(me, **options):
    class Picture(me.Document):
        image = me.ImageField(**options)

    return Picture


_SIZES = [
    {},
    {"size": (50, 40)},
    {"size": (50, 40, True)},
    {"size": (50, 40, False)},
    {"size": (300, 40, True)},
    {"thumbnail_size": (20, 10)},
    {"thumbnail_size": (20, 10, True)},
    {"size": (50, 40, True), "thumbnail_size": (20, 10)},
    {"size": 5},
    {"size": (50,)},
    {"thumbnail_size": (20,)},
]


def image_sizes(me, db):
    seen = []
    for options in _SIZES:
        Picture = _picture(me, **options)
        for width, height, kind in ((100, 100, "PNG"), (100, 30, "GIF"), (9, 9, "PNG")):
            picture = Picture()
            put = db.error(picture.image.put, _png(width, height, kind), foo=1)
            thumbnail = picture.image.thumbnail
            seen.append(
                [
                    put,
                    picture.image.size,
                    picture.image.format,
                    thumbnail and [thumbnail.width, thumbnail.height, thumbnail.format],
                ]
            )
    return seen, [_picture(me, **options).image.size for options in _SIZES]


def image_that_is_not_there(me, db):
    picture = _picture(me)()
    return [
        repr(picture.image),
        picture.image.size,
        picture.image.format,
        picture.image.thumbnail,
        picture.image.read(),
        db.error(picture.image.write, b"x"),
        db.error(picture.image.writelines, [b"x"]),
    ]


def image_refused(me, db):
    Picture = _picture(me)
    picture = Picture()
    picture.image.put(_png(3, 3))
    return [
        db.error(Picture().image.put, io.BytesIO(b"no image")),
        db.error(Picture().image.put, None),
        db.error(Picture().image.put, "there is no such file"),
        db.error(picture.image.put, _png(3, 3)),
    ]


def image_replaced_and_deleted(me, db):
    Picture = _picture(me, thumbnail_size=(5, 5))
    picture = Picture()
    picture.image = _png(10, 10)
    picture.save()
    again = Picture.objects.first()
    before = len(db.raw("images.files"))
    again.image.replace(_png(7, 8))
    again.save()
    middle = [len(db.raw("images.files")), again.image.size]
    again.image.delete()
    return [before, middle, len(db.raw("images.files")), repr(again.image)]


@_SYNC
def progressive_images(me, db):
    Picture = _picture(me)
    seen = []
    for progressive in (True, False, 1):
        for kind in ("JPEG", "PNG"):
            picture = Picture()
            picture.image.put(_png(20, 20, kind), progressive=progressive)
            stored = Image.open(picture.image.get())
            seen.append(
                [bool(stored.info.get("progressive")), picture.image.progressive]
            )
    return seen


def images_in_lists(me, db):
    class Album(me.Document):
        images = me.ListField(me.ImageField(size=(5, 5)))

    album = Album()
    proxy = me.fields.ImageGridFsProxy(instance=album, key="images")
    proxy.put(_png(20, 20))
    album.images.append(proxy)
    album.save()
    return [proxy.size, type(Album.objects.first().images[0]).__name__]


@differs("a copy of an image proxy is an image proxy: upstream's loses the image")
def image_proxy_copied(me, db):
    return type(copy.copy(me.fields.ImageGridFsProxy(5))).__name__


# Sequences


def sequence_as_primary_key(me, db):
    class Person(me.Document):
        id = me.SequenceField(primary_key=True)
        name = me.StringField()

    first, second = Person(name="a"), Person(name="b")
    touched = [dict(first._data), first.id, first.id, first._get_changed_fields()]
    first.save()
    second.save()
    second.id = None
    return [touched, second.id, db.raw("person"), db.raw("mongoengine.counters")]


def sequence_counters(me, db):
    class Person(me.Document):
        counter = me.SequenceField()
        shared = me.SequenceField(sequence_name="jobs")
        text = me.SequenceField(value_decorator="N{}".format, db_field="t")
        own = me.SequenceField(collection_name="numbers")
        meta = {"collection": "people"}

    class Robot(me.Document):
        shared = me.SequenceField(sequence_name="jobs")

    for made in (Person(), Robot(), Person(counter=50), Robot()):
        made.save()
    return [
        db.commands(),
        db.raw("people"),
        db.raw("robot"),
        sorted(db.raw("mongoengine.counters"), key=str),
        db.raw("numbers"),
    ]


def sequence_methods(me, db):
    class Person(me.Document):
        counter = me.SequenceField(value_decorator=str)

    field = Person.counter
    return [
        field.get_next_value(),
        field.generate(),
        field.get_next_value(),
        field.set_next_value(100),
        field.get_next_value(),
        field.generate(),
        field.get_sequence_name(),
        field.prepare_query_value(None, 5),
        field.to_python(7),
        db.commands(),
    ]


def sequence_names(me, db):
    class Base(me.Document):
        number = me.SequenceField()
        meta = {"abstract": True}

    class Left(Base):
        pass

    class Right(Base):
        pass

    class Parent(me.Document):
        number = me.SequenceField()
        meta = {"allow_inheritance": True}

    class Child(Parent):
        pass

    class SomeEmbeddedThing(me.EmbeddedDocument):
        number = me.SequenceField()

    for made in (Left(), Right(), Parent(), Child()):
        made.save()
    classes = (Left, Right, Parent, Child, SomeEmbeddedThing)
    return [
        [cls.number.get_sequence_name() for cls in classes],
        sorted(db.raw("mongoengine.counters"), key=str),
    ]


def sequences_in_embedded_documents(me, db):
    class Task(me.EmbeddedDocument):
        number = me.SequenceField()

    class Job(me.Document):
        main = me.EmbeddedDocumentField(Task)
        others = me.ListField(me.EmbeddedDocumentField(Task))

    Job(main=Task(), others=[Task(), Task()]).save()
    return [db.raw("job"), db.raw("mongoengine.counters")]


def sequence_is_taken_once(me, db):
    class Person(me.Document):
        counter = me.SequenceField()
        name = me.StringField()

    person = Person(name="x")
    checked = db.error(person.validate)
    person.save()
    loaded = Person.objects.first()
    partial = Person.objects.only("name").first()
    partial_data = dict(partial._data)
    return [
        checked,
        loaded.counter,
        partial_data["counter"],
        partial.counter,
        partial._get_changed_fields(),
        Person.objects(counter="1").count(),
        db.raw("mongoengine.counters"),
    ]


def sequence_on_insert(me, db):
    class Person(me.Document):
        counter = me.SequenceField()

    Person.objects.insert([Person(), Person()])
    return [db.raw("person"), db.raw("mongoengine.counters")]
