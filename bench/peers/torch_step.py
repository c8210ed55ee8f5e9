"""A training step of MiniLM-L6 in PyTorch: forward, in-batch InfoNCE, backward, clipping, AdamW; float32, no dropout.

One JSON object on standard output. Times in seconds. The optimizer's part holds clipping, the update and clearing the
gradients. cpuSeconds is processor time over all threads: on a shared machine, with one thread, it tells how long the step
would have taken alone.
"""

from __future__ import annotations

import time

from minilm import arguments, build, embed, forward_flops, memory_mib, now, random_texts, report, spread

import torch
import torch.nn.functional as F

TEMPERATURE = 0.05


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--pairs", type=int, default=16)
    parser.add_argument("--query-tokens", type=int, default=32)
    parser.add_argument("--passage-tokens", type=int, default=128)
    options = parser.parse_args()
    baseline = memory_mib()
    model = build(options)
    decayed = [p for n, p in model.named_parameters() if not (n.endswith(".bias") or "LayerNorm" in n)]
    spared = [p for n, p in model.named_parameters() if n.endswith(".bias") or "LayerNorm" in n]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.01}, {"params": spared, "weight_decay": 0.0}], lr=2e-5
    )
    queries = random_texts(model, options.pairs, options.query_tokens, options.device)
    passages = random_texts(model, options.pairs, options.passage_tokens, options.device)
    target = torch.arange(options.pairs, device=options.device)
    loaded = memory_mib()

    times: dict[str, list[float]] = {"forward": [], "backward": [], "optimizer": [], "step": []}
    processor: list[float] = []
    losses = []
    for step in range(options.warmup + options.steps):
        started = time.process_time()
        start = now(options.device)
        scores = embed(model, *queries) @ embed(model, *passages).T / TEMPERATURE
        loss = F.cross_entropy(scores, target)
        losses.append(float(loss.detach()))
        forward = now(options.device)
        loss.backward()
        backward = now(options.device)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        end = now(options.device)
        if step >= options.warmup:
            times["forward"].append(forward - start)
            times["backward"].append(backward - forward)
            times["optimizer"].append(end - backward)
            times["step"].append(end - start)
            processor.append(time.process_time() - started)

    per_pair = 3 * (forward_flops(model, options.query_tokens) + forward_flops(model, options.passage_tokens))
    work = options.pairs * per_pair / 1e9
    both = [f + b for f, b in zip(times["forward"], times["backward"])]
    seconds = spread(times["step"])
    report(
        {
            "what": f"training step, {options.pairs} pairs of {options.query_tokens} + {options.passage_tokens} tokens, {options.attention} attention, {options.device}",
            "steps": options.steps,
            "seconds": {name: spread(values) for name, values in times.items()},
            "cpuSeconds": spread(processor),
            "pairsPerSecond": round(options.pairs / seconds["median"], 2),
            "gflop": round(work, 1),
            "gflopPerSecond": {"step": round(work / seconds["median"], 1), "forwardAndBackward": round(work / spread(both)["median"], 1)},
            "memoryMiB": {"afterImports": baseline, "modelAndOptimizer": loaded, "end": memory_mib()},
            **({"gpuPeakMiB": round(torch.cuda.max_memory_allocated() / 2**20, 1)} if options.device == "cuda" else {}),
            "loss": [round(losses[0], 4), round(losses[-1], 4)],
        },
        options,
    )


if __name__ == "__main__":
    main()
