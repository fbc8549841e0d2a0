"""The JavaScript that `item_frequencies` runs on the server."""

from __future__ import annotations

import json

__all__ = ("ADD_UP", "COUNT_ALL", "count_items")

#: Follows a dotted path; missing values are null.
_REACH = """
var reach = function (place, path) {
    return path.reduce(function (found, name) {
        return found === undefined || found === null ? null : found[name];
    }, place);
};
var items = function (found) {
    return Array.isArray(found) ? found : [found === undefined ? null : found];
};
"""

ADD_UP = "function (item, counts) { return Array.sum(counts); }"

COUNT_ALL = (
    "function (path) {"
    + _REACH
    + """
    var names = path.split("."), values = [], counts = [];
    db[collection].find(query).forEach(function (place) {
        items(reach(place, names)).forEach(function (item) {
            var at = values.map(tojson).indexOf(tojson(item));
            if (at < 0) { at = values.push(item) - 1; counts.push(0); }
            counts[at] += 1;
        });
    });
    return values.map(function (item, at) { return [item, counts[at]]; });
}"""
)


def count_items(path: str) -> str:
    """A map function that emits each item at a path once."""
    return (
        "function () {"
        + _REACH
        + f"""
    items(reach(this, {json.dumps(path.split("."))})).forEach(function (item) {{
        emit(item, 1);
    }});
}}"""
    )
