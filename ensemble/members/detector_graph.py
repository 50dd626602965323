"""The graph in an ONNX file, looked through before any runtime reads it, and its metadata."""

from collections.abc import Iterator
from typing import Any

import onnx

from ensemble.values.errors import MemberError

MOST_MESSAGES = 200_000  # of the file; the largest detector has about 10,000
HOW_TO_SAVE = "Export it in one file: onnx.save(model, path, save_as_external_data=False)."


def refuse_strange_graph(data: bytes) -> None:
    """A MemberError where weights lie in other files, which nothing vouches for, or where it would outgrow its size.

    Every message is looked at: also the bodies of If and Loop, sparse tensors, functions and what training left.
    """
    model = onnx.ModelProto.FromString(data)
    for count, message in enumerate(_messages(model)):
        if count > MOST_MESSAGES:
            raise MemberError(
                "It has more than {most_messages:,} parts, and no detector has so many. Do not load it.",
                most_messages=MOST_MESSAGES,
            )
        if isinstance(message, onnx.TensorProto):
            _refuse_elsewhere(message)
        if isinstance(message, onnx.SparseTensorProto):
            raise MemberError("It holds sparse tensors, whose size in memory nothing limits. Export it without them.")
    try:
        endless = _calls(model) > MOST_MESSAGES
    except RecursionError:
        endless = True
    if endless:
        raise MemberError("Its functions call each other without a measure. Do not load it.")


def with_metadata(data: bytes, key: str, value: str) -> bytes:
    """The same file with one more entry in its metadata."""
    model: Any = onnx.load_from_string(data)
    model.metadata_props.add(key=key, value=value)
    return bytes(model.SerializeToString())


def _messages(message: Any) -> Iterator[Any]:
    """A message and all those in it; numbers and texts are not touched."""
    waiting = [message]
    while waiting:
        message = waiting.pop()
        yield message
        for field in message.DESCRIPTOR.fields:
            if field.message_type is None:
                continue
            if field.is_repeated:
                waiting.extend(getattr(message, field.name))
            elif message.HasField(field.name):
                waiting.append(getattr(message, field.name))


def _refuse_elsewhere(tensor: Any) -> None:
    if tensor.data_location != onnx.TensorProto.EXTERNAL and not tensor.external_data:
        return
    location = next((entry.value for entry in tensor.external_data if entry.key == "location"), "another file")
    raise MemberError(
        "Its weights lie beside it, in {file}, and nothing vouches for that file. {how_to_save}",
        file="".join(filter(str.isprintable, location))[:80],
        how_to_save=HOW_TO_SAVE,
    )


def _calls(model: Any) -> int:
    """How many nodes the model's functions come to once each call is replaced by its function."""
    functions = {(each.domain, each.name): each for each in model.functions}
    known: dict[tuple[str, str], int] = {}

    def size(key: tuple[str, str], above: frozenset[tuple[str, str]]) -> int:
        if key in above:
            return MOST_MESSAGES + 1  # it would never end
        if key not in known:
            inner = [(node.domain, node.op_type) for node in _nodes(functions[key])]
            known[key] = sum(1 + (size(each, above | {key}) if each in functions else 0) for each in inner)
        return known[key]

    return sum(
        size((node.domain, node.op_type), frozenset())
        for node in _nodes(model.graph)
        if (node.domain, node.op_type) in functions
    )


def _nodes(message: Any) -> Iterator[Any]:
    return (each for each in _messages(message) if isinstance(each, onnx.NodeProto))
