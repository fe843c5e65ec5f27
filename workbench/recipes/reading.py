"""YAML that may come from anywhere: bounded in length, depth and in what its aliases stand for."""

from __future__ import annotations

import yaml

LONGEST = 1 << 20
_MOST_NODES, _DEEPEST = 20_000, 50


def parse(text: str) -> object:
    """The value of a YAML document of plain types.

    Raises
    ------
    yaml.YAMLError
        It is not valid, too long, nested too deep, or its aliases stand for far more than is written.
    """
    if len(text) > LONGEST:
        raise yaml.YAMLError("longer than any recipe")
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _count(node, {}, 0)
        return loader.construct_document(node)
    except RecursionError:
        raise yaml.YAMLError("nested too deep") from None
    except (ValueError, OverflowError) as error:  # a number or a date that is none
        raise yaml.YAMLError(str(error)) from error
    finally:
        loader.dispose()


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
