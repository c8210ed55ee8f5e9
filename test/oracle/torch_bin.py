"""Small PyTorch checkpoints for the reader of pytorch_model.bin, good ones and hostile ones.

Writes test/golden/torch-bin/*.bin and the values that the good ones hold, as safetensors.
"""

import collections
import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import torch
from safetensors.torch import save_file

OUT = Path(os.environ.get("STUDIO_GOLDEN") or Path(__file__).resolve().parent.parent / "golden") / "torch-bin"


class Attack:
    """Unpickled by anything that follows REDUCE, this would run a command."""

    def __reduce__(self):
        import os

        return (os.system, ("echo this must never run",))


def plain() -> collections.OrderedDict:
    generator = torch.Generator().manual_seed(1)
    base = torch.randn(4, 6, generator=generator)
    return collections.OrderedDict(
        [
            ("float", torch.randn(3, 5, generator=generator)),
            ("half", torch.randn(7, generator=generator).half()),
            ("bfloat", torch.randn(2, 2, generator=generator).bfloat16()),
            ("double", torch.randn(3, generator=generator).double()),
            ("position_ids", torch.arange(6).reshape(1, 6)),
            ("flags", torch.tensor([True, False])),
            ("scalar", torch.tensor(2.5)),
            ("empty", torch.zeros(0, 3)),
            # Views of one storage: rows, a transposed matrix, a column.
            ("rows", base[1:3]),
            ("transposed", base.t()),
            ("column", base[:, 2]),
            ("parameter", torch.nn.Parameter(torch.randn(2, 3, generator=generator))),
        ]
    )


def rewrite(name: str, source: bytes, change, method: int = zipfile.ZIP_STORED) -> None:
    """Copies a checkpoint with data.pkl replaced."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(source)) as old, zipfile.ZipFile(buffer, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            changed = change(data) if entry.filename.endswith("data.pkl") else data
            new.writestr(zipfile.ZipInfo(entry.filename), changed, compress_type=method)
    (OUT / name).write_bytes(buffer.getvalue())


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    tensors = plain()
    torch.save(tensors, OUT / "plain.bin")
    save_file({k: v.detach().clone().contiguous() for k, v in tensors.items()}, OUT / "plain.safetensors")

    torch.manual_seed(7)
    module = torch.nn.Sequential(torch.nn.Linear(3, 2))
    torch.save(module.state_dict(), OUT / "state-dict.bin")  # has _metadata
    save_file({k: v.clone() for k, v in module.state_dict().items()}, OUT / "state-dict.safetensors")

    torch.save({"w": torch.ones(2), "attack": Attack()}, OUT / "attack.bin")
    torch.save(module, OUT / "whole-module.bin")
    torch.save(tensors, OUT / "legacy.bin", _use_new_zipfile_serialization=False)
    torch.save({"state_dict": {"w": torch.ones(2)}, "epoch": 3}, OUT / "nested.bin")

    # Twenty transposed views of one storage: small on disk, twenty times as large when unfolded.
    square = torch.ones(16, 16).triu()
    torch.save({f"w{i}": square.t() for i in range(20)}, OUT / "repeat.bin")

    one = io.BytesIO()
    torch.save({"w": torch.ones(2)}, one)
    source = one.getvalue()
    rewrite("builtin-eval.bin", source, lambda _: pickle.dumps({"w": eval}, protocol=2))
    rewrite(
        "nested-marks.bin", source, lambda _: b"\x80\x02" + b"(" * 10_000 + b"t" * 10_000 + b"."
    )
    # memo 0 holds a list that holds itself.
    rewrite("loop.bin", source, lambda _: b"\x80\x02]q\x00h\x00a.")
    rewrite("huge-string.bin", source, lambda _: b"\x80\x02X" + struct.pack("<I", 2**31) + b"w.")
    # The same dictionary, its storage packed or read under another type.
    rewrite("packed.bin", source, lambda data: data, zipfile.ZIP_DEFLATED)
    rewrite("other-type.bin", source, lambda data: data.replace(b"FloatStorage", b"LongStorage"))
    rewrite("big-size.bin", source, lambda data: data.replace(b"K\x02\x85", b"J\xff\xff\xff\x7f\x85"))


if __name__ == "__main__":
    main()
