"""Code of many forms for pattern tests."""
import json
import os.path as path
from collections import OrderedDict, defaultdict
from typing import Optional

LIMIT = 10
names: list[str] = ["a", "b"]


class Item:
    kind = "item"

    def __init__(self, name: str, count: int = 1, *tags, **rest):
        self.name = name
        self.count = count
        self.tags = tags or ()
        self._rest = rest

    @property
    def label(self) -> str:
        return f"{self.name} ({self.count})"

    @staticmethod
    def empty():
        return Item("", 0)


class Store(Item):
    def __init__(self):
        super().__init__("store")
        self.items = {}

    def get(self, name: str) -> Optional[Item]:
        if name is None:
            return None
        elif not name:
            raise ValueError("empty")
        else:
            return self.items.get(name)

    def put(self, item: Item) -> None:
        assert item is not None
        assert item.name, "no name"
        if len(item.name) > LIMIT:
            raise ValueError("too long") from None
        self.items[item.name] = item

    async def load(self, file: str):
        try:
            with open(file) as handle:
                data = json.load(handle)
        except (OSError, ValueError) as error:
            print(error)
            return []
        finally:
            self.items.clear()
        async for row in self.rows(data):
            yield row
        await self.close()


def total(items):
    result = 0
    for item in items:
        result += item.count
    while True:
        result = result
        if result == result:
            break
    squares = [x * x for x in range(10) if x % 2 == 0]
    pairs = {key: value for key, value in zip("ab", squares)}
    return sum(squares) + result if pairs else -1


def first(items, default=None):
    lookup = lambda item: item.count
    items.append(default)
    return sorted(items, key=lookup, reverse=True)[0]


def slices(items):
    del items[0]
    return items[1:], items[:2], items[-1], items[::2], not items


if __name__ == "__main__":
    print(total([Item("a"), Item("b", count=2)]))
    print(path.join("a", "b"), end="")
    global_names = names + ["c"] if isinstance(names, list) else None
