"""What the oracle scripts share: seeded models and tensors, the studio's integer hash, and how golden files are written."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

import numpy as np
import torch
from safetensors.torch import save_file

GOLDEN = Path(os.environ.get("STUDIO_GOLDEN") or Path(__file__).resolve().parent.parent / "golden")


def model_folder(name: str) -> Path:
    """A model folder below $STUDIO_MODELS; ends the script with the remedy where it is missing."""
    root = os.environ.get("STUDIO_MODELS")
    if not root:
        sys.exit("set STUDIO_MODELS to the folder that holds model folders such as all-MiniLM-L6-v2")
    folder = Path(root) / name
    if not (folder / "config.json").is_file():
        sys.exit(f"{folder} holds no config.json: put the model there or change STUDIO_MODELS")
    return folder


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def spread_weights(model: torch.nn.Module, seed: int, std: float = 0.2) -> None:
    """Draws every parameter anew: std 0.2 for weights and biases, LayerNorm scales around 1 ± 0.3.

    A fresh model's weights (std 0.02, biases 0, scales 1) leave gradients too small and too alike to tell a wrong
    formula from rounding.
    """
    source = generator(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            drawn = torch.randn(parameter.shape, generator=source, dtype=torch.float64)
            is_scale = "LayerNorm.weight" in name or "layer_norm.weight" in name
            drawn = 1 + 0.3 * drawn if is_scale else std * drawn
            parameter.copy_(drawn.to(torch.float32))


def float32(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().to(torch.float32).contiguous().clone()


def decimals(tensor: torch.Tensor) -> list[float]:
    """Row-major numbers whose decimals name one float32 each (the shortest that do)."""
    flat = tensor.detach().to(torch.float32).reshape(-1).numpy()
    return [float(np.format_float_positional(value, unique=True, trim="0")) if np.isfinite(value) else None for value in flat]


def relative_error(approximate: torch.Tensor, exact: torch.Tensor) -> float:
    """‖a − e‖ / ‖e‖ in float64."""
    exact = exact.detach().double()
    return float((approximate.detach().double() - exact).norm() / exact.norm().clamp_min(1e-300))


def write_json(path: Path, value: object) -> None:
    """One top-level key per line and, in a top-level list of records, one record per line, so that diffs stay readable."""

    def short(item: object) -> str:
        return json.dumps(item, ensure_ascii=False, separators=(",", ":"))

    def lines(item: object, indent: str) -> str:
        if isinstance(item, list) and item and isinstance(item[0], dict):
            return "[\n" + ",\n".join(f"{indent}  {short(record)}" for record in item) + f"\n{indent}]"
        return short(item)

    if isinstance(value, dict):
        body = ",\n".join(f"  {short(key)}: {lines(item, '  ')}" for key, item in value.items())
        text = "{\n" + body + "\n}\n"
    else:
        text = lines(value, "") + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: float32(tensor) for name, tensor in sorted(tensors.items())}, path)
    path.chmod(0o644)


def versions() -> dict[str, str]:
    import transformers

    return {"torch": torch.__version__, "transformers": transformers.__version__}


# --- the counter-based random numbers of src/core/random.ts, to the bit -------------------------------------------

MASK = 0xFFFFFFFF


def mix32(value: int) -> int:
    x = value & MASK
    x = ((x ^ (x >> 16)) * 0x85EBCA6B) & MASK
    x = ((x ^ (x >> 13)) * 0xC2B2AE35) & MASK
    return x ^ (x >> 16)


def stream_key(seed: int, *parts: str | int) -> int:
    key = mix32(seed ^ 0x9E3779B9)
    for part in parts:
        if isinstance(part, int):
            key = mix32(key ^ mix32(part + 0x7F4A7C15))
            key = mix32(key ^ (part // 4294967296))
        else:
            for character in part:
                key = mix32(key + ord(character) + 0x9E3779B9)
            key = mix32(key ^ len(part))
    return key


def random_uint32(key: int, index: int) -> int:
    return mix32(mix32(index ^ key) + key * 0x9E3779B1)


def random_uint32_array(key: int, count: int) -> np.ndarray:
    """random_uint32(key, 0 … count − 1) at once."""

    def mix(x: np.ndarray) -> np.ndarray:
        x = ((x ^ (x >> 16)) * np.uint64(0x85EBCA6B)) & np.uint64(MASK)
        x = ((x ^ (x >> 13)) * np.uint64(0xC2B2AE35)) & np.uint64(MASK)
        return x ^ (x >> 16)

    index = np.arange(count, dtype=np.uint64)
    inner = mix(index ^ np.uint64(key))
    return mix((inner + np.uint64((key * 0x9E3779B1) & MASK)) & np.uint64(MASK))
