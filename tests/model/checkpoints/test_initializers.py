"""What the reader of ONNX files finds, beside what ONNX's own library does."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from model.checkpoints.checkpoint import open_checkpoint
from model.checkpoints.initializers import initializers


def file_of(*tensors):
    graph = helper.make_graph([helper.make_node("Identity", ["a"], ["b"])], "g", [], [], list(tensors))
    return helper.make_model(graph).SerializeToString()


def test_the_bundled_models_tensors_are_those_that_onnx_reads():
    data = open_checkpoint().bytes_of("model.onnx")
    theirs = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load_from_string(data).graph.initializer}
    ours = initializers(data)
    assert {name for name, values in theirs.items() if values.dtype != bool} == ours.keys()
    for name, values in ours.items():
        assert values.dtype == theirs[name].dtype
        np.testing.assert_array_equal(values, theirs[name])


def test_floats_that_are_not_stored_raw_are_read_as_well():
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    tensor = helper.make_tensor("a", TensorProto.FLOAT, [2, 3], values.ravel().tolist())
    assert not tensor.raw_data
    np.testing.assert_array_equal(initializers(file_of(tensor))["a"], values)


def test_weights_in_files_of_their_own_are_refused():
    tensor = numpy_helper.from_array(np.ones(3, dtype=np.float32), "a")
    onnx.external_data_helper.set_external_data(tensor, "/etc/passwd")
    with pytest.raises(ValueError, match="in other files"):
        initializers(file_of(tensor))


@pytest.mark.parametrize("shape", [[7], [2, 2], [1 << 40, 1 << 40], []])
def test_a_tensor_that_has_not_as_many_numbers_as_it_says_is_refused(shape):
    tensor = numpy_helper.from_array(np.ones(6, dtype=np.float32), "a")
    del tensor.dims[:]
    tensor.dims.extend(shape)
    with pytest.raises(ValueError, match="fewer or more numbers"):
        initializers(file_of(tensor))


@pytest.mark.parametrize("cut", [10, 200, 2000])
def test_half_a_file_is_refused(cut):
    data = file_of(numpy_helper.from_array(np.ones((40, 40), dtype=np.float32), "a"))
    with pytest.raises(ValueError):
        initializers(data[:-cut])
