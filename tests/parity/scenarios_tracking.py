"""Changes of fields, lists and dicts, and what they send."""

from .harness import differs
from .tracking_shapes import try_edits


def plain_fields(me, db):
    def set_text(doc, part, inner):
        doc.text = "new"

    def set_none(doc, part, inner):
        doc.text = None

    def set_same(doc, part, inner):
        doc.text = "t"

    def set_back(doc, part, inner):
        doc.text = "other"
        doc.text = "t"

    def delete(doc, part, inner):
        del doc.text

    def by_item(doc, part, inner):
        doc["number"] = 8

    def two(doc, part, inner):
        doc.number = 2
        doc.text = "x"
        doc.number = 3

    return try_edits(
        me, db, [set_text, set_none, set_same, set_back, delete, by_item, two]
    )


def list_methods_that_add(me, db):
    return try_edits(
        me,
        db,
        [
            lambda doc, part, inner: doc.items.append(9),
            lambda doc, part, inner: doc.items.extend([8, 9]),
            lambda doc, part, inner: doc.items.insert(0, 7),
            lambda doc, part, inner: doc.items.__iadd__([5]),
            lambda doc, part, inner: doc.items.__imul__(2),
            lambda doc, part, inner: doc.items.extend([]),
        ],
    )


def list_augmented_assignment(me, db):
    def plus(doc, part, inner):
        doc.items += [4]

    def times(doc, part, inner):
        doc.items *= 2

    def joined(doc, part, inner):
        doc.items = doc.items + [1]  # noqa: RUF005

    return try_edits(me, db, [plus, times, joined])


def list_methods_that_remove(me, db):
    return try_edits(
        me,
        db,
        [
            lambda doc, part, inner: doc.items.pop(),
            lambda doc, part, inner: doc.items.pop(0),
            lambda doc, part, inner: doc.items.remove(1),
            lambda doc, part, inner: doc.items.__delitem__(1),
            lambda doc, part, inner: doc.items.__delitem__(slice(1, 3)),
            lambda doc, part, inner: doc.items.remove("missing"),
        ],
    )


@differs("list.clear() marks the field as changed, as in upstream's next release")
def clearing_a_list(me, db):
    return try_edits(me, db, [lambda doc, part, inner: doc.items.clear()])


def list_methods_that_reorder(me, db):
    def sort(doc, part, inner):
        doc.items = [3, 1, 2]
        doc._clear_changed_fields()
        doc.items.sort()

    def sort_reverse(doc, part, inner):
        doc.items = [3, 1, 2]
        doc._clear_changed_fields()
        doc.items.sort(key=lambda x: -x, reverse=True)

    return try_edits(
        me, db, [sort, sort_reverse, lambda doc, part, inner: doc.items.reverse()]
    )


def list_items_assigned(me, db):
    def one(doc, part, inner):
        doc.items[0] = 50

    def last(doc, part, inner):
        doc.items[-1] = 50

    def several(doc, part, inner):
        doc.items[0] = 1
        doc.items[2] = 2

    def piece(doc, part, inner):
        doc.items[1:3] = [7, 8]

    def empty_piece(doc, part, inner):
        doc.items[1:1] = [7]

    def same(doc, part, inner):
        doc.items[0] = 3

    def outside(doc, part, inner):
        doc.items[70] = 3

    def then_append(doc, part, inner):
        doc.items[0] = 8
        doc.items.append(1)

    def append_then_item(doc, part, inner):
        doc.items.append(1)
        doc.items[0] = 8

    return try_edits(
        me,
        db,
        [
            one,
            last,
            several,
            piece,
            empty_piece,
            same,
            outside,
            then_append,
            append_then_item,
        ],
    )


def values_inside_lists(me, db):
    def in_dict(doc, part, inner):
        doc.items[3]["k"].append(2)

    def in_list(doc, part, inner):
        doc.items[4].append(3)

    def in_list_item(doc, part, inner):
        doc.items[4][0] = 9

    def by_negative(doc, part, inner):
        doc.items[-1][-1] = 4

    def by_iteration(doc, part, inner):
        for item in doc.items:
            if isinstance(item, dict):
                item["k"] = 5

    def by_slice(doc, part, inner):
        doc.items[3:4][0]["k"] = 6

    return try_edits(
        me, db, [in_dict, in_list, in_list_item, by_negative, by_iteration, by_slice]
    )


def lists_of_lists(me, db):
    def item(doc, part, inner):
        doc.grid[0][1] = 9

    def append(doc, part, inner):
        doc.grid[1].append(5)

    def row(doc, part, inner):
        doc.grid[0] = [7]

    def new_row(doc, part, inner):
        doc.grid.append([5, 6])

    def both(doc, part, inner):
        doc.grid[0][0] = 5
        doc.grid[1][0] = 6

    return try_edits(me, db, [item, append, row, new_row, both])


@differs("an update in place by |= is noted; upstream loses it")
def dict_methods(me, db):
    return try_edits(
        me,
        db,
        [
            lambda doc, part, inner: doc.mapping.__setitem__("a", 2),
            lambda doc, part, inner: doc.mapping.__setitem__("a", 1),
            lambda doc, part, inner: doc.mapping.__setitem__("z", 2),
            lambda doc, part, inner: doc.mapping.__delitem__("a"),
            lambda doc, part, inner: doc.mapping.pop("a"),
            lambda doc, part, inner: doc.mapping.pop("nope", 4),
            lambda doc, part, inner: doc.mapping.popitem()[0],
            lambda doc, part, inner: doc.mapping.clear(),
            lambda doc, part, inner: doc.mapping.update({"a": 5, "q": 6}),
            lambda doc, part, inner: doc.mapping.update(a=5),
            lambda doc, part, inner: doc.mapping.setdefault("a", 5),
            lambda doc, part, inner: doc.mapping.setdefault("new", 5),
            lambda doc, part, inner: doc.mapping.__ior__({"i": 1}),
            lambda doc, part, inner: doc.mapping.get("a"),
            lambda doc, part, inner: doc.mapping.__delitem__("nope"),
        ],
    )


def dict_by_attribute(me, db):
    def set_attribute(doc, part, inner):
        doc.mapping.a = 5

    return try_edits(me, db, [set_attribute])


@differs("a dict without the attribute that is to be deleted has not changed")
def dict_without_attribute(me, db):
    def delete_attribute(doc, part, inner):
        del doc.mapping.a

    return try_edits(me, db, [delete_attribute])


def values_inside_dicts(me, db):
    def deep(doc, part, inner):
        doc.mapping["b"]["c"]["d"] = 2

    def middle(doc, part, inner):
        doc.mapping["b"]["c"] = 2

    def in_list(doc, part, inner):
        doc.mapping["l"][0]["x"] = 9

    def list_append(doc, part, inner):
        doc.mapping["l"].append({})

    def by_get(doc, part, inner):
        doc.mapping.get("b")["new"] = 1

    def by_values(doc, part, inner):
        for value in doc.mapping.values():
            if isinstance(value, dict):
                value["new"] = 1

    def by_items(doc, part, inner):
        for _key, value in doc.mapping.items():
            if isinstance(value, list):
                value.append(1)

    def by_setdefault(doc, part, inner):
        doc.mapping.setdefault("fresh", []).append(3)

    return try_edits(
        me,
        db,
        [
            deep,
            middle,
            in_list,
            list_append,
            by_get,
            by_values,
            by_items,
            by_setdefault,
        ],
    )
