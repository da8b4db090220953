"""Mutants: each is a module with one small mistake, made by cosmic-ray's operators."""

import difflib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from parso.python.tree import Name

from tests.mutation.rooms import REPOSITORY, Room


class CallRemover:
    """Puts ``pass`` in place of a statement that is a call: something is not written, waited for or refused.

    Log lines are left alone.
    """

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        is_call = node.type == "simple_stmt" and node.children[0].type == "atom_expr"
        if is_call and not node.get_code(include_prefix=False).startswith("log."):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, _index: int) -> Any:
        call = node.children[0]
        node.children[0] = Name("pass", call.start_pos, prefix=call.get_first_leaf().prefix)
        return node


_SWAPPED: Final = {
    "BinaryOperator": ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul", "Mod_FloorDiv", "BitAnd_BitOr"),
    "ComparisonOperator": (
        "Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Lt_Gt", "Gt_Lt", "Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is",
    ),
}  # fmt: skip

_OPERATORS: Final = (
    *(f"core/Replace{kind}_{swapped}" for kind, choices in _SWAPPED.items() for swapped in choices),
    "core/ReplaceAndWithOr",
    "core/ReplaceOrWithAnd",
    "core/ReplaceUnaryOperator_Delete_Not",
    "core/ReplaceUnaryOperator_USub_UAdd",
    "core/ReplaceTrueWithFalse",
    "core/ReplaceFalseWithTrue",
    "core/ReplaceBreakWithContinue",
    "core/ReplaceContinueWithBreak",
    "core/AddNot",
    "core/NumberReplacer",
    "core/ZeroIterationForLoop",
)
"""Mistakes that a person might make. Not all swaps of binary operators: most are nonsense that any test notices."""


@dataclass(frozen=True)
class Mutant:
    """The mistake number `occurrence` of its kind in a module."""

    room: Room
    module: Path
    operator: str
    occurrence: int

    def code(self) -> str:
        """Return the module's code with the mistake."""
        mutated: str | None = mutate_code(self._original(), _operator(self.operator), self.occurrence)
        assert mutated is not None, self
        return mutated

    def diff(self) -> str:
        """Return what is wrong."""
        original, name = self._original(), str(self.module)
        lines = difflib.unified_diff(original.splitlines(), self.code().splitlines(), name, name, lineterm="", n=1)
        return "\n".join(lines)

    def _original(self) -> str:
        return (REPOSITORY / self.module).read_text()


def all_mutants(rooms: list[Room]) -> list[Mutant]:
    """Find every mutant of some rooms, in the order of their code."""
    return [
        Mutant(room, module, name, occurrence)
        for room in rooms
        for module in room.module_paths()
        for nodes in [list(ast_nodes(get_ast((REPOSITORY / module).read_text())))]
        for name in (*_OPERATORS, CallRemover.__name__)
        for occurrence in range(_count(nodes, name))
    ]


def in_drawn_order(mutants: list[Mutant], seed: int) -> list[Mutant]:
    """Shuffle mutants: any beginning of them is a fair sample."""
    return random.Random(seed).sample(mutants, len(mutants))


def _count(nodes: list[Any], name: str) -> int:
    operator = _operator(name)
    return sum(1 for node in nodes for _ in operator.mutation_positions(node))


def _operator(name: str) -> Any:
    return CallRemover() if name == CallRemover.__name__ else get_operator(name)()
