"""What travels with an artefact says nothing of where on whose machine it was made."""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Any

import onnx

_FROM = "_name_or_path"
"""Where transformers notes in a config the folder that it was read from."""


def without_places(found: Any) -> Any:
    """The same JSON; of a path that begins at a root, a drive or a home only the last part is left, in keys too."""
    if isinstance(found, dict):
        return {_name(key): without_places(value) for key, value in found.items() if key != _FROM}
    if isinstance(found, list):
        return [without_places(value) for value in found]
    return _name(found) if isinstance(found, str) else found


def drop_notes(model: onnx.ModelProto) -> None:
    """The exporter notes at each part of a graph which line of which file on this machine it comes from."""
    graph = model.graph
    attributes = [attribute for node in graph.node for attribute in node.attribute]
    for part in (model, graph, *graph.node, *attributes, *graph.initializer, *graph.input, *graph.output):
        for note in ("metadata_props", "doc_string"):
            if note in part.DESCRIPTOR.fields_by_name:
                part.ClearField(note)
    del graph.value_info[:]


def _name(text: str) -> str:
    kinds: tuple[PurePath, ...] = (PurePosixPath(text), PureWindowsPath(text))
    return next((path.name for path in kinds if path.anchor or text.startswith(("~", ".."))), text)
