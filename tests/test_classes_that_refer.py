"""Classes that know each other, or go on to others, are the same wherever they come from."""

import pytest

from tests.echoed import prints

pytestmark = pytest.mark.both_loops


def test_classes_that_refer_to_each_other_travel_in_any_order() -> None:
    assert (
        prints("""
    class Node:
        def leaf(self): return Leaf(self)
    class Leaf:
        kind = Node
        def __init__(self, node): self.node = node
        def again(self): return Node().leaf()
    Node.child = Leaf
    Node.root = Node()
    class Tree(Node):
        def leaf(self): return super().leaf()
        class Inner:
            def out(self): return Tree
    async def main():
        for first in (Leaf(Node()), Tree(), Tree.Inner(), Node.root):
            async with wool.WorkerPool(size=1):
                assert type(await echo(first)) is type(first)
                tree, leaf = await echo((Tree(), Leaf(Node())))
                assert type(tree) is Tree and type(leaf) is Leaf and type(leaf.node) is Node
                print(await names(tree, leaf))
    @wool.routine
    async def names(tree, leaf):
        again = type(leaf.again()) is type(leaf) and type(tree.leaf()) is type(leaf)
        inner = type(tree).Inner
        return again, type(tree).root.child is type(leaf), inner().out() is Tree, inner.__qualname__
    """)
        == "(True, True, True, 'Tree.Inner')\n" * 4
    )


def test_a_large_family_of_classes_that_know_each_other_travels() -> None:
    assert (
        prints("""
    family = []
    for n in range(60):
        class Member:
            number = n
            def all(self): return family
        family.append(Member)
    for member in family: member.relatives = tuple(family)
    async def main():
        async with wool.WorkerPool(size=1):
            there = await asyncio.wait_for(echo(family[7]()), 10)
            print(type(there) is family[7], await asyncio.wait_for(count(there), 10))
    @wool.routine
    async def count(member): return len({*member.relatives, *member.all()})
    """)
        == "True 60\n"
    )


def test_what_is_sent_on_to_a_peer_is_the_same_class_wherever_it_comes_from() -> None:
    assert (
        prints("""
    class Meta(type):
        made = 0
        def __init__(cls, *args, **options):
            super().__init__(*args, **options)
            Meta.made += 1
    class Thing(metaclass=Meta):
        pass
    @wool.routine
    async def met(there, depth):
        same = type(there) is Thing and type(await echo(there)) is Thing
        return same and (depth == 0 or await met(there, depth - 1))
    async def main():
        async with wool.WorkerPool(size=3):
            print(await asyncio.gather(*[met(Thing(), 3) for _ in range(5)]))
            async with wool.WorkerPool(size=1):
                print(await met(await forwarded(Thing()), 1), Meta.made)
    """)
        == "[True, True, True, True, True]\nTrue 1\n"
    )


def test_a_class_that_a_worker_makes_is_one_class_at_the_caller() -> None:
    assert (
        prints("""
    @wool.routine
    async def make():
        global Made
        class Made:
            made = 1
        return Made()
    @wool.routine
    async def known(value): return type(value) is Made
    async def main():
        async with wool.WorkerPool(size=1):
            one = await make()
            two = await echo(one)
            print(type(one) is type(two), type(one).__name__, one.made, await known(two))
    """)
        == "True Made 1 True\n"
    )
