"""Q, fields looked up by path, and projections."""

import copy
import pickle

from .harness import differs
from .shapes import OID, OID2, caught, shapes

# -- Q


def conditions_joined_by_and(me, db):
    q, wide = me.Q, shapes(me).Wide
    trees = (
        q(s="x") & q(i=1),
        q(s="x") & q(i=1) & q(f=2),
        q(s="x", i=1) & q(f=1, b=True),
        q(s="x") & q(s="y"),
        q(s="x") & q(s="x"),
        q(s="x") & q(s__ne="y"),
        q(i__gt=1) & q(i__lt=5) & q(i__ne=3),
        q(i__gt=1) & q(i__gt=5),
        q(i=1) & q(i__gt=0) & q(s=2),
        q(pk=OID) & q(id=OID2),
        q(i__in=[1]) & q(i__in=[2]),
        q(dyn={"a": 1}) & q(dyn__gt=1),
    )
    return [[repr(tree), caught(tree.to_query, wide)] for tree in trees]


def conditions_joined_by_or(me, db):
    q, wide = me.Q, shapes(me).Wide
    trees = (
        q(s="x") | q(i=1),
        q(s="x") | q(i=1) | q(f=2),
        q(s="x", i=1) | q(f=1, b=True),
        q(s="x") | q(s="x"),
        q(s__not__contains="x") | q(s=None),
    )
    return [[repr(tree), caught(tree.to_query, wide)] for tree in trees]


def conditions_nested(me, db):
    q, wide = me.Q, shapes(me).Wide
    a, b, c, d = q(s="x"), q(i=1), q(f=2), q(b=True)
    trees = (
        (a & b) | c,
        (a | b) & c,
        c & (a | b),
        (a | b) & (c | d),
        (a & b) | (c & d),
        ((a | b) | (c | d)) & q(dyn=1),
        a & (b & (c | d)),
        a | (b & (c | d)),
        a | b & c,
        (a & q(s="y")) | b,
        q() & (a | b),
        (a | b) & q(),
    )
    return [[repr(tree), caught(tree.to_query, wide)] for tree in trees]


def raw_conditions_joined(me, db):
    q, wide = me.Q, shapes(me).Wide
    raw = q(__raw__={"a": 1})
    trees = (
        raw,
        raw & q(s="x"),
        raw | q(s="x"),
        raw & q(__raw__={"a": 2}),
        q(__raw__={"$and": [{"a": 1}]}) & q(s=1),
        q(__raw__={"$or": [{"a": 1}]}) & (q(s=1) | q(i=1)),
        q(__raw__={"ss": {"$gt": 1}}) & q(s__ne="x"),
    )
    return [[repr(tree), caught(tree.to_query, wide)] for tree in trees]


def bad_names_in_joined_conditions(me, db):
    q, wide = me.Q, shapes(me).Wide
    trees = q(nope=1), q(s="x") & q(nope=1), q(s="x") | q(nope=1), q(r__x=1)
    return [[repr(tree), caught(tree.to_query, wide)] for tree in trees]


def empty_conditions(me, db):
    q, wide = me.Q, shapes(me).Wide
    one = q(s="x")
    trees = q(), q() & q(), q() | q(), q() & one, one & q(), one | q(), q() | one
    shown = [
        [repr(tree), bool(tree), tree.empty, tree.to_query(wide)] for tree in trees
    ]
    return [shown, (one & q()) is one, (q() | one) is one]


def joining_what_is_no_condition(me, db):
    q = me.Q
    one = q(s="x")
    joined = one & 5, one & None, one & {}, one | "x", one | {}, q() & 5, q() & None
    return [repr(tree) for tree in joined]


def equality_of_conditions(me, db):
    q = me.Q
    a, b = q(s="x"), q(i=1)
    return [
        a == q(s="x"),
        a == b,
        a != b,
        a == {"s": "x"},
        a == None,  # noqa: E711
        (a & b) == (q(s="x") & q(i=1)),
        (a & b) == (b & a),
        (a & b) == (a | b),
        (a & b) == a,
        a == (a & b),
        (a & b) == 5,
        caught(hash, a),
        caught(hash, a & b),
        copy.deepcopy(a & b) == (a & b),
        pickle.loads(pickle.dumps(a | b)) == (a | b),
    ]


def combinations_made_by_hand(me, db):
    visitor = me.queryset.visitor
    make, node, q, wide = visitor.QCombination, visitor.QNode, me.Q, shapes(me).Wide
    a, b = q(s="x"), q(i=1)
    trees = (
        make(node.AND, [make(node.AND, [a, b]), a]),
        make(node.OR, [make(node.AND, [a, b]), a]),
        make(node.AND, []),
        make(node.OR, []),
        make(node.OR, [q(), q()]),
        make(node.OR, [a]),
        make(node.AND, [q(), a]),
    )
    return [
        [repr(tree), tree.empty, bool(tree), tree.operation, tree.to_query(wide)]
        for tree in trees
    ]


def visitors_by_hand(me, db):
    visitor = me.queryset.visitor
    q, wide = me.Q, shapes(me).Wide
    a, b = q(s="x"), q(i=1)

    def trees():
        return a, a & b, a | b, a & q(s="y")

    simplify = visitor.SimplificationVisitor()
    conjoin = simplify._query_conjunction
    return [
        [repr(tree.accept(simplify)) for tree in trees()],
        [caught(t.accept, visitor.QueryCompilerVisitor(wide)) for t in trees()],
        [repr(tree.accept(visitor.QNodeVisitor())) for tree in trees()],
        caught(conjoin, [{"a": 1}, {"b": 2}]),
        caught(conjoin, [{"a": 1}, {"a": 2}]),
        caught(conjoin, []),
        caught(visitor.QNode().accept, simplify),
        caught(visitor.QNode().to_query, wide),
        visitor.QNode().empty,
        issubclass(visitor.DuplicateQueryConditionsError, me.InvalidQueryError),
    ]


def emptiness_is_asked_with_bool(me, db):
    q = me.Q
    ask = (lambda: q().empty), (lambda: (q(a=1) & q(b=1)).empty)
    return [db.warned(question) for question in ask]


# -- lookup and projections


def fields_looked_up(me, db):
    found = shapes(me)

    def steps(document, path):
        return [
            step
            if isinstance(step, str)
            else [type(step).__name__, step.name, step.db_field]
            for step in document._lookup_field(path.split("__"))
        ]

    asked = (
        (found.Wide, "s ss pk id _id nope dyn__x dyn__x__y s__x s__0 oid__x 0 S"),
        (
            found.Nested,
            "e__name e__nm ee__name e__sub__deep e__nope e__0 o__name o__z k__key k__pk g__x",
        ),
        (
            found.Lists,
            "le__name le__0__name le__S__name ls__0 ls__foo li__0__x raw__x lle__0__0__name ld__x__y lge__name lo__z ll__0__x el__1__num",
        ),
        (found.Maps, "d__x d__x__y di__x__y m__x me___x ml__x ml__x__0 de__x__name"),
        (
            found.Links,
            "r__title lr__title lr__0__title lr__nope g__x lg__x c__title c__nope z__title gz__x own__r mr__x",
        ),
        (found.Places, "p__type geo__x lp__0 lp__x e__point plain__0"),
        (
            found.Loose,
            "foo foo__bar foo__0__bar e__foo o__foo o__name lo__foo d__x _cls pk",
        ),
        (found.Animal, "a b bb c__name _cls nope"),
        (found.Dog, "a b c__name"),
        (found.Abstract, "a x pk"),
        (found.Inner, "name pk sub__deep"),
    )
    shown = [
        [document.__name__, path, caught(steps, document, path)]
        for document, paths in asked
        for path in paths.split()
    ]
    return [*shown, caught(found.Wide._lookup_field, "e.name")]


def names_translated(me, db):
    found = shapes(me)
    names = [
        "e.name",
        "e.sub.deep",
        "e",
        "nope",
        "e.nope",
        "ee",
        "e.nm",
        "pk",
        "id",
        "_id",
        "e.subs.0.deep",
    ]
    shown = [[name, caught(found.Nested._translate_field_name, name)] for name in names]
    return [*shown, caught(found.Nested._translate_field_name, "e__name", "__")]


def _projection(parts):
    first, *rest = parts
    for part in rest:
        first = first + part
    return [
        first.as_dict() and sorted(map(repr, first.as_dict().items())),
        bool(first),
        sorted(first.fields),
        first.value,
        sorted(first.always_include),
        first.slice,
        first._id,
        first._only_called,
    ]


def projections_added_up(me, db):
    make = me.queryset.field_list.QueryFieldList
    kinds = {
        "empty": lambda: make(),
        "only ab": lambda: make(["a", "b"], _only_called=True),
        "only bc": lambda: make(["b", "c"], _only_called=True),
        "fields ab": lambda: make(["a", "b"]),
        "fields bc": lambda: make(["b", "c"]),
        "not a": lambda: make(["a"], value=0),
        "not bc": lambda: make(["b", "c"], value=0),
        "id": lambda: make(["_id", "a"]),
        "not id": lambda: make(["_id"], value=0),
        "slice a": lambda: make(["a"], value={"$slice": 3}),
        "match q": lambda: make(["q"], value={"$elemMatch": {"x": 1}}),
        "always": lambda: make(["a"], always_include=["z", "y"]),
        "never": lambda: make(["a", "z"], value=0, always_include=["z"]),
    }
    pairs = [(one, two) for one in kinds for two in kinds]
    triples = [("always", "not a", "only bc"), ("slice a", "not bc", "only ab")]
    triples += [("empty", "slice a", "match q"), ("not id", "only ab", "not a")]
    return [
        [names, caught(_projection, [kinds[name]() for name in names])]
        for names in pairs + triples
    ]


def projections_reset(me, db):
    make = me.queryset.field_list.QueryFieldList
    fields = make(["a"], value=0, always_include=["z"], _only_called=True)
    fields.reset()
    return [_projection([fields]), make.ONLY, make.EXCLUDE]


@differs("Q is negated with ~")
def negated_conditions(me, db):
    class Doc(me.Document):
        name = me.StringField(db_field="n")
        age = me.IntField()

    one, two = me.Q(name="x"), me.Q(age__gt=2)
    return [
        caught(lambda: (~one).to_query(Doc)),
        caught(lambda: (~(one & two)).to_query(Doc)),
        caught(lambda: (~(one | two)).to_query(Doc)),
        caught(lambda: Doc.objects(one & ~two)._query),
        caught(lambda: Doc.objects(~~one)._query),
        caught(lambda: Doc.objects(~me.Q())._query),
        caught(lambda: Doc.objects(~one, age=3)._query),
        caught(lambda: (~me.Q(age__in=[1, 2])).to_query(Doc)),
        caught(lambda: repr(~one | two)),
    ]
