"""Plans for loading raw documents without converting their values.

Most documents of a collection have the same few sets of keys, in the same order.  A
plan is made once for each such *shape*: it says what has to hold for a document of
that shape to be taken as it is, its fields to be converted when they are read.  Where
that does not hold, the fields' own `to_python` is called at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from mongoengine import signals
from mongoengine.base.codec import Check, Proof, compiled, compiled_for_all, equal_to
from mongoengine.base.common import _DocumentRegistry
from mongoengine.base.dynamic_plans import DynamicPlan, dynamic_maker
from mongoengine.base.field_paths import innermost
from mongoengine.base.state import EMPTY, set_state
from mongoengine.base.types import (
    Convert,
    RawDocument,
    RawMapping,
    RawValue,
)
from mongoengine.base.utils import specialised
from mongoengine.driver.records import Record
from mongoengine.errors import NotRegistered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mongoengine.base.field import BaseField


__all__ = ("MOST_SHAPES", "LoadPlan", "LoadPlans")

#: More shapes than this and the class is not one of few shapes: do not keep them.
MOST_SHAPES = 256

_DICTS = frozenset({dict})


class LoadPlan(Record):
    """The plan for loading raw documents of one shape."""

    proofs: tuple[tuple[str, Proof], ...]
    # Fields that are converted at once: user code converts them.
    eager: tuple[object, ...]
    # The constructor has to be called: the class, or a key, is out of the ordinary.
    plain: bool
    # The shape has a `_cls`, which may name another class.
    named: bool
    # Loading takes more than a test of the values.
    unusual: bool
    # The fields of keys that a dynamic class does not define.
    dynamic: DynamicPlan | None

    @property
    def sure(self) -> bool:
        """Return whether nothing can fail, whatever the values are."""
        return not (self.proofs or self.unusual or self.named)


#: The keys that documents may have, proofs for required keys and for optional ones.
Columns = tuple[frozenset[str], list[tuple[str, Proof]], list[tuple[str, Proof]]]


class LoadPlans:
    """The plans of one document class, by the shape of the raw document."""

    def __init__(
        self, cls: Any, fields: Mapping[str, BaseField], plain: bool, own_loader: bool
    ) -> None:
        """Make a table without plans yet.

        :param fields: the fields of the class by the names in the database.
        :param plain: documents are always made by the constructor.
        :param own_loader: the class defines `_from_son`.
        """
        self.cls = cls
        self.fields = fields
        self.names = frozenset(cls._fields)
        self.plain, self.own_loader = plain, own_loader
        self.by_shape: dict[tuple[str, ...], LoadPlan] = {}
        #: The tests of shapes that need nothing else; True where nothing can fail.
        self.checks: dict[tuple[str, ...], Check | Literal[True]] = {}
        #: Shapes whose documents are of this class and need not be constructed.
        self.trusted: set[tuple[str, ...]] = set()
        #: The shapes of dynamic documents with such tests, and their other fields.
        self.dynamic_shapes: dict[
            tuple[str, ...], tuple[Check | Literal[True], DynamicPlan]
        ] = {}
        self.make = self._compile_make(True)
        #: The keys of these shapes: documents with no other keys are trusted, too.
        self.trusted_keys: set[str] = set()
        self.make_inside = self._compile_make_inside()
        self.make_embedded = self._compile_make_embedded()
        self.loads_surely = self._compile_loads_surely()
        self.all_load_surely = self._compile_all_load_surely()

    def plan(self, shape: tuple[str, ...]) -> LoadPlan:
        """Return the plan for a shape.

        Shapes with unknown keys are left to the constructor, which refuses them.
        """
        plan = self.by_shape.get(shape)
        if plan is None:
            plan = self._make_plan(shape)
            if len(self.by_shape) < MOST_SHAPES:
                self.by_shape[shape] = plan
                if not plan.unusual:
                    self._keep_check(shape, plan)
                elif plan.dynamic is not None and not plan.eager:
                    check = self._check_of(plan)
                    self.dynamic_shapes[shape] = check, plan.dynamic
        return plan

    def _keep_check(self, shape: tuple[str, ...], plan: LoadPlan) -> None:
        if not plan.named:
            self.trusted.add(shape)
            self.trusted_keys.update(shape)
        self.checks[shape] = self._check_of(plan)

    def _check_of(self, plan: LoadPlan) -> Check | Literal[True]:
        proofs = plan.proofs
        if plan.named:
            proofs = (("_cls", equal_to(self.cls._class_name)), *proofs)
        return compiled(proofs) if proofs else True

    def _make_plan(self, shape: tuple[str, ...]) -> LoadPlan:
        cls = self.cls
        proofs = []
        eager = []
        plain = self.plain
        unknown = []
        for key in shape:
            field = self.fields.get(key)
            if field is None and cls._dynamic:
                unknown.append(key)
                continue
            if field is None:
                # A key that is the name of another field, an unknown key, `_cls`
                # of a class without subclasses: the constructor knows.
                if key != "_cls":
                    plain = plain or key in self.names or self._is_special(key)
                continue
            if field._user_converted or self._holds_constructed(field):
                eager.append(field)
                continue
            proof = field._load_proof()
            if proof is not None:
                proofs.append((key, proof))
        dynamic = None
        if cls._dynamic and not plain:
            dynamic = cls._schema.dynamic_plan(tuple(unknown))
        plain = plain or (cls._dynamic and dynamic is None)
        return LoadPlan(
            tuple(proofs),
            tuple(eager),
            plain,
            named="_cls" in shape,
            unusual=plain or bool(eager or dynamic),
            dynamic=dynamic,
        )

    def _is_special(self, key: str) -> bool:
        return bool(self.cls._meta.get("strict", True)) or key in (
            "id",
            "pk",
            "_text_score",
        )

    def _holds_constructed(self, field: BaseField) -> bool:
        """Return whether converting the field runs user code of an embedded class."""
        embedded = innermost(field)._embedded_class
        return (
            embedded is not None
            and embedded is not self.cls
            and any(c._schema.plain for c in _with_subclasses(embedded))
        )

    # Whether loading can fail

    def _compile_loads_surely(self) -> Proof:
        """Return the function that tells whether making a document cannot fail."""
        checks = self.checks

        def loads_surely(raw: RawDocument) -> bool:
            check = checks.get(tuple(raw))
            if check is True or (check and check(raw)):
                return True
            return self._loads_surely(raw)

        return loads_surely

    def _loads_surely(self, raw: RawMapping) -> bool:
        """Do the same for the documents of subclasses and of new shapes."""
        shape = tuple(raw)
        plans = self
        if "_cls" in raw and raw["_cls"] != self.cls._class_name:
            try:
                plans = _DocumentRegistry.get(raw["_cls"])._schema.load_plans
            except (NotRegistered, AttributeError):
                return False
            if plans is self:
                return False
        plan = plans.plan(shape)
        if plan.unusual:
            return False
        return all(proof(raw[key]) for key, proof in plan.proofs)

    def passes(self, raw: RawDocument, shape: tuple[str, ...]) -> bool:
        """Return whether a raw document passes the test of its shape, if it has one."""
        check = self.checks.get(shape)
        return check is True or bool(check and check(raw))

    def _compile_all_load_surely(self) -> Proof:
        """Return the function that does the same for a list of raw values, or None.

        The first call of it makes the one that stays: fields are not asked before
        the classes that they refer to are there.
        """

        def compile_and_prove(items: object) -> bool:
            self.all_load_surely = compiled_for_all(*self._make_columns(), one_by_one)
            return self.all_load_surely(items)

        def one_by_one(items: list[object]) -> bool:
            for item in items:
                if item.__class__ is not dict or not self.loads_surely(item):
                    return False
            return True

        return compile_and_prove

    def _make_columns(self) -> Columns:
        """Return the keys of which documents of any shape may consist, and proofs."""
        if self.plain or self.cls._dynamic:
            return frozenset(), [], []
        harmless = set()
        proofs: list[tuple[str, Proof]] = []
        optional: list[tuple[str, Proof]] = []
        for key, field in self.fields.items():
            if key == "_cls" or field._user_converted:
                continue
            proof = field._load_proof()
            harmless.add(key)
            if proof is None:
                continue
            nested = field._embedded_class is not None or field._inner is not None
            (optional if nested else proofs).append((key, proof))
        return frozenset(harmless), proofs, optional

    # Making documents

    def constructs(self) -> bool:
        """Return whether documents go through the constructor just now."""
        return self.plain or bool(
            signals.pre_init.receivers or signals.post_init.receivers
        )

    def maker(self, auto_dereference: bool = True) -> Convert:
        """Return the function that makes documents of raw ones, for a batch of them."""
        if not self.own_loader and not self.constructs():
            return self.make if auto_dereference else self.make_unfollowed
        load = self.cls._from_son
        return lambda raw: load(raw, _auto_dereference=auto_dereference)

    @cached_property
    def make_unfollowed(self) -> Convert:
        """The loader for documents of which no references are followed."""
        return self._compile_make(False)

    def _compile_make(self, follow: bool) -> Convert:
        """Return the loader for raw documents of shapes that have a test.

        :param follow: reading the documents follows references.
        """
        if self.cls._dynamic:
            return dynamic_maker(self.cls, self.dynamic_shapes, follow)
        cls, checks = self.cls, self.checks
        new, load = cls.__new__, cls._load
        embedded = not cls._is_document

        def make(raw: RawDocument) -> Any:
            check = checks.get(tuple(raw))
            if check is not True and (check is None or not check(raw)):
                return load(raw, follow)
            document = new(cls)
            document._raw = raw
            document._values = EMPTY
            document._created = False
            document._initialised = True
            if embedded:
                document._instance = None
            if not follow:
                document._auto_dereference = False
            return document

        return specialised(make)

    def _compile_make_inside(self) -> Callable[[object, object], object]:
        """Return the loader for raw documents inside one that has been checked.

        It takes the raw document and a weak reference to the document around it.
        """
        cls, trusted, maker = self.cls, self.trusted, self.maker
        new, direct = cls.__new__, not (self.plain or self.own_loader)
        pre_init, post_init = signals.pre_init, signals.post_init

        def make_inside(raw: RawValue, parent: object) -> Any:
            if not (
                direct
                and tuple(raw) in trusted
                and not (pre_init.receivers or post_init.receivers)
            ):
                document = maker()(raw)
                set_state(document, "_instance", parent)
                return document
            document = new(cls)
            document._raw = raw
            document._values = EMPTY
            document._created = False
            document._initialised = True
            document._instance = parent
            return document

        return specialised(make_inside)

    def _compile_make_embedded(self) -> Callable[[object, object], Any]:
        """Return the loader for lists of raw documents inside one that was checked.

        It returns a list of documents, or None where an item is no dict.
        """
        cls, covers, maker = self.cls, self.trusted_keys.issuperset, self.maker
        only_dicts, keys_of = _DICTS.issuperset, chain.from_iterable
        new, direct = cls.__new__, not (self.plain or self.own_loader)
        pre_init, post_init = signals.pre_init, signals.post_init

        def make_embedded(items: Any, parent: object) -> Any:
            made = []
            try:
                alike = (
                    direct
                    and covers(keys_of(items))
                    and only_dicts(map(type, items))
                    and not (pre_init.receivers or post_init.receivers)
                )
            except TypeError:
                alike = False
            if alike:
                for item in items:
                    # What `make` does; that nothing fails was proved with the owner.
                    document = new(cls)
                    document._raw = item
                    document._values = EMPTY
                    document._created = False
                    document._initialised = True
                    document._instance = parent
                    made.append(document)
                return made
            make = maker()
            for item in items:
                if item.__class__ is not dict:
                    return None
                document = make(item)
                set_state(document, "_instance", parent)
                made.append(document)
            return made

        return specialised(make_embedded)


def _with_subclasses(cls: Any) -> Iterable[Any]:
    yield cls
    for sub in cls.__subclasses__():
        yield from _with_subclasses(sub)
