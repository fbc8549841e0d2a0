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
    var names = path.split("."), total = 0, counts = {}, values = {};
    db[collection].find(query).forEach(function (place) {
        items(reach(place, names)).forEach(function (item) {
            var text = tojson(item);
            values[text] = item;
            counts[text] = (counts[text] || 0) + 1;
            total += 1;
        });
    });
    return [total, counts, values];
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
