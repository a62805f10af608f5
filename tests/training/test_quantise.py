"""int8 in the graph: small, close to the floats, and blind to neighbours."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from training.quantise import WEIGHT_LIMIT, quantise, quantise_weights

WIDTH, OUT, WORDS = 96, 40, 50


@pytest.fixture
def weights():
    random = np.random.default_rng(3)
    return {
        "table.weight": random.normal(size=(WORDS, WIDTH)).astype(np.float32),
        "square.weight": (random.normal(size=(WIDTH, WIDTH)) / 10).astype(np.float32),
        "head.weight": (random.normal(size=(OUT, WIDTH)) / 10).astype(np.float32),
        "head.bias": random.normal(size=OUT).astype(np.float32),
    }


@pytest.fixture
def graphs(tmp_path, weights):
    """A lookup, a product and a Gemm over them, as floats and quantised."""
    nodes = [
        helper.make_node("Gather", ["table.weight", "ids"], ["embedded"]),
        helper.make_node("MatMul", ["embedded", "square.weight"], ["mixed"]),
        helper.make_node("MatMul", ["embedded", "square.weight"], ["again"]),
        helper.make_node("Add", ["mixed", "again"], ["sum"]),
        helper.make_node("Gemm", ["sum", "head.weight", "head.bias"], ["out"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["n"])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", OUT])],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    exact, int8 = tmp_path / "exact.onnx", tmp_path / "int8.onnx"
    onnx.save(model, str(exact))
    quantise(exact, int8)
    return exact, int8


def answers(path, ids):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"ids": np.asarray(ids)})[0]


def test_weights_come_back_to_half_a_step(weights):
    for axis in (0, 1):
        values, scales = quantise_weights(weights["square.weight"], axis)
        assert values.dtype == np.int8
        assert np.abs(values).max() <= WEIGHT_LIMIT
        assert (np.abs(values * scales - weights["square.weight"]) <= scales / 2 + 1e-7).all()


def test_a_column_of_zeros_stays_zeros():
    values, scales = quantise_weights(np.zeros((4, 3), np.float32), 0)
    assert not values.any()
    assert np.isfinite(scales).all()


def test_answers_stay_close_to_the_floats(graphs):
    exact, int8 = (answers(path, range(WORDS)) for path in graphs)
    assert np.abs(exact - int8).mean() < 0.02 * exact.std()


def test_no_row_sees_its_neighbours(graphs):
    together = answers(graphs[1], range(WORDS))
    for word in range(0, WORDS, 7):
        np.testing.assert_array_equal(answers(graphs[1], [word])[0], together[word])


def test_a_quarter_of_the_bytes_is_left_and_no_float_matrix(graphs):
    exact, int8 = (onnx.load(str(path)).graph for path in graphs)
    assert sum(len(t.raw_data) for t in int8.initializer) < 0.35 * sum(len(t.raw_data) for t in exact.initializer)
    floats = [t for t in int8.initializer if t.data_type == TensorProto.FLOAT and min([*t.dims, 1, 1][:2]) > 1]
    assert floats == []


def test_activations_that_two_matrices_read_are_quantised_once(graphs):
    kinds = [node.op_type for node in onnx.load(str(graphs[1])).graph.node]
    assert kinds.count("MatMulIntegerToFloat") == 3
    assert kinds.count("ReduceMax") == 2


def test_the_float_graph_is_left_as_it_was(graphs, weights):
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(str(graphs[0])).graph.initializer}
    for name, values in weights.items():
        np.testing.assert_array_equal(tensors[name], values)
