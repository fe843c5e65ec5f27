"""YAML that may come from anywhere: bounded in length, depth and in what its aliases stand for."""

from __future__ import annotations

import yaml

LONGEST = 1 << 20
_MOST_NODES, _DEEPEST = 20_000, 50
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Reading in C where PyYAML has it: `workbench recipes` spent half of its time on reading in Python."""


def parse(text: str) -> object:
    """The value of a YAML document of plain types.

    Raises
    ------
    yaml.YAMLError
        It is not valid, too long, nested too deep, or its aliases stand for far more than is written.
    """
    if len(text) > LONGEST:
        raise yaml.YAMLError("longer than any recipe")
    try:
        _check_depth(text)
        loader = _LOADER(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _count(node, {}, 0)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except (ValueError, OverflowError) as error:  # a number or a date that is none
        raise yaml.YAMLError(str(error)) from error


def _check_depth(text: str) -> None:
    """Refuse what is nested so deep that composing its nodes, which calls itself, would exhaust the stack."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise yaml.YAMLError("nested too deep")


def _count(node: yaml.Node, counted: dict[int, int], depth: int) -> int:
    """How many nodes a node has when its aliases are written out."""
    if id(node) in counted:
        return counted[id(node)]
    if depth > _DEEPEST:
        raise yaml.YAMLError("nested too deep, or inside itself")
    total = 1
    if not isinstance(node, yaml.ScalarNode):
        parts = node.value if isinstance(node, yaml.SequenceNode) else [each for pair in node.value for each in pair]
        for part in parts:
            total += _count(part, counted, depth + 1)
    if total > _MOST_NODES:
        raise yaml.YAMLError("its aliases stand for far more than is written")
    counted[id(node)] = total
    return total
