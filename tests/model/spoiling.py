"""Ways to spoil an artefact, or to make another of it."""

import json

import numpy as np

from model.checkpoints.checkpoint import MANIFEST, artefact_version, file_sha256


def change(file, **entries):
    """Changes what a JSON file says, and nothing around it."""
    content = json.loads(file.read_text("utf-8"))
    content.update(entries)
    file.write_text(json.dumps({key: value for key, value in content.items() if value is not None}), "utf-8")


def truncate(folder):
    file = folder / "model.onnx"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def seal(folder):
    """Makes the manifest fit the files, as somebody would who does not mean harm."""
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    manifest["files"] = {name: file_sha256(folder / name) for name in manifest["files"] if (folder / name).is_file()}
    manifest["version"] = artefact_version(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest), "utf-8")


def edit(**changes):
    def edit_manifest(folder):
        manifest = json.loads((folder / MANIFEST).read_text("utf-8")) | changes
        (folder / MANIFEST).write_text(json.dumps(manifest), "utf-8")
        if "labels" in changes or "temperature" in changes:
            seal(folder)

    return edit_manifest


def weights(change):
    """Changes every large float tensor of the graph and seals the artefact again."""

    def spoil(folder):
        import onnx
        from onnx import numpy_helper

        graph = onnx.load(str(folder / "model.onnx"))
        for tensor in graph.graph.initializer:
            values = numpy_helper.to_array(tensor)
            if values.dtype == np.float32 and values.ndim == 1 and len(values) >= 64:
                tensor.CopyFrom(numpy_helper.from_array(change(values.copy()), tensor.name))
        onnx.save(graph, str(folder / "model.onnx"))
        seal(folder)

    return spoil


def rename_input(folder):
    import onnx

    graph = onnx.load(str(folder / "model.onnx"))
    graph.graph.input[0].name = "tokens"
    for node in graph.graph.node:
        node.input[:] = ["tokens" if name == "input_ids" else name for name in node.input]
    onnx.save(graph, str(folder / "model.onnx"))
    seal(folder)


def other_golden(folder):
    rows = json.loads((folder / "golden.json").read_text("utf-8"))
    for row in rows:
        row["probabilities"] = row["probabilities"][::-1]
    (folder / "golden.json").write_text(json.dumps(rows), "utf-8")
    seal(folder)


def without_golden(then):
    """For a candidate that carries no golden examples; the plain texts must tell."""

    def spoil(folder):
        (folder / "golden.json").unlink()
        then(folder)
        seal(folder)

    return spoil


def write(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def two_outputs_for_three_labels(folder):
    edit(labels=["negative", "positive"])(folder)
