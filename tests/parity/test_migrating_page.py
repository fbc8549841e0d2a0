"""The page about migrating names every difference from MongoEngine's release."""

from __future__ import annotations

import pathlib
import re

from . import harness

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "howto" / "migrating.rst"

#: What the page says about each reason of `@differs`.
TEXTS = {
    "the error for an update without a field names it": "sets a field that is called like an operator",
    "collation, hint and comment of the queryset are passed on, as upstream will": "pass on collation, hint and comment",
    "updates pass on the queryset's collation, hint and comment": "pass on collation, hint and comment",
    "deletes pass on the queryset's collation, hint and comment": "pass on collation, hint and comment",
    "aggregate takes only a list, as in upstream's next release": "takes the pipeline as a list",
    "$geoNear and $collStats stay first, as in upstream's next release": "$geoNear and $collStats stay its first stage",
    "an empty slice at the front has no rows, where the server refused it": "objects[:0].aggregate() has no rows",
    "MongoDB has deprecated mapReduce, and removed eval: by an aggregation": "item_frequencies() runs an aggregation",
    "another value than a document or dict raises ValidationError": "another wrong type, where an embedded document belongs raises ValidationError",
    "a document of another class raises ValidationError": "another wrong type, where an embedded document belongs raises ValidationError",
    "a dict without its class raises ValidationError": "another wrong type, where an embedded document belongs raises ValidationError",
    "a document remembers the database that it was made or loaded in": "made or loaded while its class was switched",
    "the release has no transactions; upstream's next release has": "run_in_transaction(), _DocumentRegistry and NonOrderedList exist",
    "the release does not have the class; upstream's next release has": "run_in_transaction(), _DocumentRegistry and NonOrderedList exist",
    "the release has no _DocumentRegistry; upstream's next release has": "run_in_transaction(), _DocumentRegistry and NonOrderedList exist",
    "two classes of one name in different modules warn, as upstream will": "of one name in different modules give a UserWarning",
    "what is deleted is read once a level, not twice": "read each level once, not twice",
    "upstream leaves out the references inside embedded document fields": "also through embedded documents",
    "upstream looks a reference in a plain list up behind the default alias; here behind the alias of the class that has the collection": "guesses a class from the name of the collection and reads the default database",
    "None in a loaded field with null=True is stored as null; upstream removes the field": "in a field with null=True is stored as null",
    "None in a field with null=True is stored as null; upstream removes the field": "in a field with null=True is stored as null",
    "attributes set on an unpickled dynamic document are fields; upstream loses them": "attributes set on an unpickled dynamic document are fields",
    "a deleted dynamic field is gone; upstream gives None for it": "removes a dynamic field",
    "LongField warns that it is deprecated": "LongField (an IntField that warns)",
    "LongField is an alias of IntField, and warns": "LongField (an IntField that warns)",
    "a time zone is converted to UTC, not dropped": "converts a value with a time zone to UTC",
    "the new file is stored before the old one is removed": "store the new file before they remove the old one",
    "an assignment that fails keeps the file that is there": "if that fails, the old file stays",
    "a copy of an image proxy is an image proxy: upstream's loses the image": "a copied ImageGridFsProxy keeps its image",
    "pairs among index fields count, and may have names of fields": "Index fields may be pairs",
    "sparse counts beside unique_with": "beside unique_with makes the index sparse",
    "an automatic id without an attribute of its name is in _data, as None": "is in _data before it is set, as None",
    "upstream reads a field by name where another has that database name": "Two fields may have each other's name as db_field",
    "validate(clean=False) does not clean documents in lists either": "leaves out clean() of embedded documents in lists and maps",
    "Q is negated with ~": "~Q(...) negates a condition",
    "a partly loaded document is not inserted: that would store a part of it": "raises OperationError if it is gone",
    "each loop has a cursor of its own, and does not use up that of others": "other loops over it go on, and get every document once",
    "none() and empty slices hold no documents to find, count or sum": "none() and empty slices have no values",
    "get() finds nothing in an empty slice": "none() and empty slices have no values",
    "embedded documents are made of database names; upstream takes none": "distinct() of an embedded document reads names of the database",
    "what a failing insert() has written is clean: it is not inserted again": "has written when it fails is clean, and not inserted again",
    "insert() takes `ordered`, and its error tells of each document": "insert() takes any iterable, and ordered=False",
    "insert takes any iterable": "insert() takes any iterable, and ordered=False",
    "none() and empty slices hold no documents: delete() there deletes none": "objects[:0].delete() delete nothing",
    "upsert_one() of none() and empty slices gives None, where it broke": "upsert_one() gives None",
    "where() counts in delete(): only the documents that meet it go": "counts in delete(), update() and modify()",
    "where() counts in update(): only the documents that meet it change": "counts in delete(), update() and modify()",
    "where() counts in modify()": "counts in delete(), update() and modify()",
    "create() after using() saves behind that alias": "saves behind the alias other",
    "an upsert changes the class of no stored document, and modify() inserts one": "A stored document keeps its class",
    "upstream loses the primary key of a pickled one, and the class of a copy": "A LazyReference keeps its key when it is pickled",
    "a filter through a reference is a join here": "Filters, orders and projections through references are joins",
    "a key of the data is data, also one that begins with an underscore": "Names in data are data",
    "the error names the collection": "names the collection (not None)",
    "a document that is not stored under its key is stored whole, not its changes alone": "is stored as a whole; upstream stores its changes alone",
    "a document that is not stored there is stored whole, not its changes alone": "is stored as a whole; upstream stores its changes alone",
    "a deleted document is stored again as a whole, not its changes alone": "is stored as a whole; upstream stores its changes alone",
    "a dynamic field that is not stored any more is gone after reload(); upstream keeps its value": "fields that are not stored any more are gone after reload()",
    "a change is sent once: it is taken from the document when the command is built": "circle of references sends each change once",
    "list.clear() marks the field as changed, as in upstream's next release": "some_list.clear() marks the field as changed",
    "clear() marks a list as changed": "some_list.clear() marks the field as changed",
    "an update in place by |= is noted; upstream loses it": "document.mapping |= {...}, are noticed",
    "a dict without the attribute that is to be deleted has not changed": "of an attribute that a dict does not have, marks nothing as changed",
    "paths inside dynamic fields are whole; upstream forgets the field and fails or writes another one": "dynamic field is stored under its whole path",
    "upstream compares several cached references with copies, which find nothing": "On a cached reference they compare the keys",
    "modify() has no full_response": "modify() has no full_response",
    "compare_indexes handles text indexes over several fields": "compare_indexes() handles text indexes over several fields",
    "upstream leaves levels beyond the first, and lists of documents that it has just loaded, to reading; here each level takes one query per collection": "with one query per level and collection",
    "upstream's loader sets every field that it fills to following again, for all documents and threads; here a field stays as it was set": "on a field stays in effect",
    "the profiler's own collection is not counted: the release counts its looks at it, and then takes them off, which goes wrong where a server does not profile them": "counts right on servers that do not profile its own reads",
}


def test_the_page_about_migrating_has_every_difference() -> None:
    reasons = {one.differs for one in harness.scenarios() if one.differs}
    assert reasons == TEXTS.keys(), "say it in docs/howto/migrating.rst, and here where"


def test_the_texts_stand_on_the_page() -> None:
    page = re.sub(r"\s+", " ", PAGE.read_text(encoding="utf-8").replace("``", ""))
    assert [text for text in TEXTS.values() if text not in page] == []
