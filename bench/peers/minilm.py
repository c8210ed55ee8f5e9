"""What the PyTorch peers share: the model, its work in floating-point operations, timing, memory and the printed record."""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import time
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch
import transformers
from transformers import BertConfig, BertModel

MINILM_L6 = dict(
    vocab_size=30522,
    hidden_size=384,
    num_hidden_layers=6,
    num_attention_heads=12,
    intermediate_size=1536,
    max_position_embeddings=512,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
)


def arguments(about: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--model", help="a model folder; without it random weights of MiniLM-L6's sizes")
    parser.add_argument("--attention", choices=["eager", "sdpa"], default="sdpa")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--steps", type=int, default=10, help="timed, after --warmup")
    parser.add_argument("--warmup", type=int, default=2)
    return parser


def build(options: argparse.Namespace) -> BertModel:
    """The encoder without pooler, in evaluation mode (no dropout)."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    more = dict(attn_implementation=options.attention)
    if options.model:
        model = BertModel.from_pretrained(options.model, add_pooling_layer=False, **more)
    else:
        model = BertModel(BertConfig(**MINILM_L6, **more), add_pooling_layer=False)
    return model.eval().to(options.device)


def forward_flops(model: BertModel, tokens: int) -> int:
    """Matrix products of one sequence: 2 per weight and token, and the two products of attention."""
    c = model.config
    weights = c.num_hidden_layers * (4 * c.hidden_size**2 + 2 * c.hidden_size * c.intermediate_size)
    return tokens * (2 * weights + 4 * c.num_hidden_layers * c.hidden_size * tokens)


def embed(model: BertModel, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean pooling and unit length, as Sentence Transformers does it."""
    hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
    weight = mask.unsqueeze(-1).to(hidden.dtype)
    return torch.nn.functional.normalize((hidden * weight).sum(1) / weight.sum(1).clamp_min(1e-9), dim=-1)


def random_texts(model: BertModel, count: int, tokens: int, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.randint(1000, model.config.vocab_size, (count, tokens), device=device)
    return ids, torch.ones_like(ids)


def now(device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def memory_mib() -> dict[str, float]:
    """Resident now and at most so far, in MiB; the peak as getrusage gives it and, on Linux, as VmHWM."""
    found = {"peakRss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if platform.system() == "Darwin" else 1024)}
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            key, _, value = line.partition(":")
            if key in ("VmRSS", "VmHWM"):
                found[key] = int(value.split()[0]) / 1024
    return {key: round(value, 1) for key, value in found.items()}


def spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 4),
        "min": round(min(values), 4),
        "max": round(max(values), 4),
    }


def machine(options: argparse.Namespace) -> dict[str, object]:
    cpu = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0] if names else cpu
    found: dict[str, object] = {"cpu": cpu, "cores": os.cpu_count(), "threads": torch.get_num_threads()}
    if hasattr(os, "getloadavg"):
        found["loadAverage"] = [round(x, 2) for x in os.getloadavg()]
    if options.device == "cuda":
        found["gpu"] = torch.cuda.get_device_name()
    return found


def report(record: dict[str, object], options: argparse.Namespace) -> None:
    record |= {
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "transformers": transformers.__version__},
        "machine": machine(options),
    }
    print(json.dumps(record, indent=2))
