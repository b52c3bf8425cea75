"""Strict reading of witness files (spec 07)."""

import re
from collections.abc import Mapping
from typing import Final

from sotto.protocol.babyjub import Point
from sotto.protocol.errors import JsonMalformed
from sotto.protocol.field import Field, to_field
from sotto.protocol.merkle import Path

_HEX: Final = re.compile(r"0x[0-9a-f]{1,64}")


class Reader:
    """One JSON object. Each key is read once; `end` refuses keys that nobody read."""

    def __init__(self, value: object, name: str) -> None:
        if not isinstance(value, Mapping):
            raise JsonMalformed(f"{name} is not an object")
        self._rest = dict(value)
        self._name = name

    def _take(self, key: str) -> object:
        if key not in self._rest:
            raise JsonMalformed(f"{self._name}.{key} is missing")
        return self._rest.pop(key)

    def _list(self, key: str, length: int) -> list[object]:
        return _list(self._take(key), length, f"{self._name}.{key}")

    def field(self, key: str) -> Field:
        """An element of F. Raises JsonMalformed, NonCanonicalField."""
        return _field(self._take(key), f"{self._name}.{key}")

    def fields(self, key: str, length: int) -> list[Field]:
        """A list of elements of F."""
        return [_field(x, f"{self._name}.{key}") for x in self._list(key, length)]

    def point(self, key: str) -> Point:
        """Two coordinates, not checked to be on the curve."""
        x, y = self.fields(key, 2)
        return Point(x, y)

    def integer(self, key: str, maximum: int) -> int:
        """A JSON number from 0 to `maximum`."""
        value = self._take(key)
        if type(value) is not int or not 0 <= value <= maximum:
            raise JsonMalformed(f"{self._name}.{key} is not an integer from 0 to {maximum}")
        return value

    def index(self, key: str, depth: int) -> int:
        """A leaf index of a tree of `depth` levels."""
        return self.integer(key, (1 << 2 * depth) - 1)

    def path(self, key: str, depth: int) -> Path:
        """An opening with one children list for each level."""
        name = f"{self._name}.{key}"
        path: Path = []
        for children in self._list(key, depth):
            a, b, c, d = (_field(x, name) for x in _list(children, 4, name))
            path.append((a, b, c, d))
        return path

    def object(self, key: str) -> "Reader":
        """A nested object."""
        return Reader(self._take(key), f"{self._name}.{key}")

    def objects(self, key: str, length: int) -> "list[Reader]":
        """A list of objects."""
        return [Reader(x, f"{self._name}.{key}[{i}]") for i, x in enumerate(self._list(key, length))]

    def end(self) -> None:
        """Raise JsonMalformed if a key was not read."""
        if self._rest:
            raise JsonMalformed(f"{self._name} has unknown keys {sorted(map(str, self._rest))}")


def _list(value: object, length: int, name: str) -> list[object]:
    if not isinstance(value, list) or len(value) != length:
        raise JsonMalformed(f"{name} is not a list of {length}")
    return value


def _field(value: object, name: str) -> Field:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise JsonMalformed(f"{name} is not 0x and 1 to 64 lower-case hex digits")
    return to_field(int(value, 16))
