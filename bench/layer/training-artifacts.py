"""Makes what onnxruntime-web's training API takes from the forward graphs that `run.mjs --export DIR` wrote.

python training-artifacts.py DIR   (onnxruntime-training 1.19.2, Python 3.11; see README.md)
"""

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from unittest.mock import MagicMock

import onnx
import onnxruntime  # noqa: F401  (before the stand-in, which would make it look for more of PyTorch)

# The package imports PyTorch at its door; the making of artifacts does not use it.
sys.modules["torch"] = MagicMock(__spec__=ModuleSpec("torch", None))

from onnxruntime.training import artifacts  # noqa: E402


def make_artifacts(forward: Path, folder: Path) -> None:
    model = onnx.load(forward)
    names = [initializer.name for initializer in model.graph.initializer]
    trainable = [name for name in names if name == "input" or name.startswith("encoder.")]
    folder.mkdir(exist_ok=True)
    artifacts.generate_artifacts(
        model,
        requires_grad=trainable,
        frozen_params=[name for name in names if name not in trainable],
        artifact_directory=str(folder),
    )
    show_gradients(folder / "training_model.onnx", folder / "checked_model.onnx")


def show_gradients(training: Path, checked: Path) -> None:
    """The training model with the gradients, which it only adds up inside, as further outputs: for the comparison."""
    model = onnx.load(training)
    types = {value.name: value for value in model.graph.input}
    for node in [node for node in model.graph.node if node.op_type == "InPlaceAccumulatorV2"]:
        parameter = types[node.input[0].removesuffix("_grad.accumulation.buffer")]
        name = f"gradient.{parameter.name}"
        model.graph.node.append(onnx.helper.make_node("Identity", [node.input[1]], [name]))
        output = model.graph.output.add()
        output.CopyFrom(parameter)
        output.name = name
    onnx.save(model, checked)


if __name__ == "__main__":
    root = Path(sys.argv[1])
    for path in sorted(root.glob("forward-*.onnx")):
        make_artifacts(path, root / path.stem.removeprefix("forward-"))
