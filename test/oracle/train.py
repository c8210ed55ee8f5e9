"""Golden training: test/golden/train-100.json and train-100.safetensors.

100 steps of the tiny BERT of golden/encoders/tiny-bert: in-batch InfoNCE over cosine similarity, AdamW with decoupled
decay, clipping by the global norm, linear warm-up and linear decay. Everything that a reimplementation needs is in the
JSON: token ids, which pairs each step draws, every setting, and per step the learning rate, loss and gradient norm.
Run twice, in float32 (the reference) and in float64 (how much of a difference is rounding).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from transformers import BertModel

from common import GOLDEN, decimals, generator, relative_error, versions, write_json, write_tensors
from encoders import SIZES, pool

SEED = 77
STEPS = 100
BATCH = 8
PAIRS = 64
SETTINGS = {
    "steps": STEPS,
    "batch": BATCH,
    "temperature": 0.1,
    "learningRate": 2e-3,
    "warmupSteps": 10,
    "betas": [0.9, 0.999],
    "epsilon": 1e-8,
    "weightDecay": 0.01,
    "clipNorm": 1.0,
    "pooling": "mean",
    "normalize": True,
}
CLS, SEP, FIRST_WORD = 2, 3, 5


def make_pairs() -> tuple[list[list[int]], list[list[int]]]:
    """Queries of 4 to 8 and passages of 8 to 16 tokens; a passage holds two of its query's words."""
    source = generator(SEED)

    def draw(low: int, high: int, count: int = 1) -> list[int]:
        return torch.randint(low, high, (count,), generator=source).tolist()

    queries, passages = [], []
    for _ in range(PAIRS):
        words = draw(FIRST_WORD, SIZES["vocab"], draw(2, 7)[0])
        others = draw(FIRST_WORD, SIZES["vocab"], draw(4, 13)[0])
        text = words[:2] + others
        order = torch.randperm(len(text), generator=source).tolist()
        queries.append([CLS, *words, SEP])
        passages.append([CLS, *(text[i] for i in order), SEP])
    return queries, passages


def make_batches() -> list[list[int]]:
    """A fresh batch each step, without repeats within it."""
    source = generator(SEED + 1)
    return [torch.randperm(PAIRS, generator=source)[:BATCH].tolist() for _ in range(STEPS)]


def padded(rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(len(row) for row in rows)
    ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
    return ids, mask


def learning_rate(step: int) -> float:
    """Of the step-th update, counted from 0: 0 at first, the peak at `warmupSteps`, 0 at `steps`."""
    warmup = SETTINGS["warmupSteps"]
    share = step / warmup if step < warmup else (STEPS - step) / (STEPS - warmup)
    return SETTINGS["learningRate"] * share


def train(dtype: torch.dtype, queries: list[list[int]], passages: list[list[int]], batches: list[list[int]]):
    model = BertModel.from_pretrained(GOLDEN / "encoders/tiny-bert", add_pooling_layer=False, attn_implementation="eager").eval().to(dtype)
    spared = {n for n, p in model.named_parameters() if n.endswith(".bias") or "LayerNorm" in n}
    named = dict(model.named_parameters())
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for n, p in named.items() if n not in spared], "weight_decay": SETTINGS["weightDecay"]},
            {"params": [p for n, p in named.items() if n in spared], "weight_decay": 0.0},
        ],
        betas=tuple(SETTINGS["betas"]),
        eps=SETTINGS["epsilon"],
        foreach=False,
    )

    def embed(rows: list[list[int]]) -> torch.Tensor:
        ids, mask = padded(rows)
        return pool(model(input_ids=ids, attention_mask=mask).last_hidden_state, mask, SETTINGS["pooling"], SETTINGS["normalize"])

    losses, norms = [], []
    for step, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step)
        scores = embed([queries[i] for i in batch]) @ embed([passages[i] for i in batch]).T / SETTINGS["temperature"]
        loss = F.cross_entropy(scores, torch.arange(BATCH))
        optimizer.zero_grad()
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["clipNorm"])))
        losses.append(float(loss.detach()))
        optimizer.step()
    return losses, norms, {n: p.detach().clone() for n, p in named.items()}, sorted(spared)


def main() -> None:
    queries, passages = make_pairs()
    batches = make_batches()
    losses, norms, weights, spared = train(torch.float32, queries, passages, batches)
    exact_losses, exact_norms, exact_weights, _ = train(torch.float64, queries, passages, batches)
    apart = [abs(a - b) / b for a, b in zip(losses, exact_losses)]
    norms_apart = [abs(a - b) / b for a, b in zip(norms, exact_norms)]
    # A key bias has no gradient but rounding, which Adam blows up to full steps; it changes no output.
    weights_apart = {n: relative_error(weights[n], exact_weights[n]) for n in weights if not n.endswith("key.bias")}
    print(f"loss {losses[0]:.3f} → {losses[-1]:.3f}, least {min(losses):.3f}; every 10th: {[round(x, 3) for x in losses[::10]]}")
    print(f"float32 apart from float64: loss {max(apart):.1e}, norm {max(norms_apart):.1e}, weights {max(weights_apart.values()):.1e}")
    print(f"clipped in {sum(n > SETTINGS['clipNorm'] for n in norms)} of {STEPS} steps, norm {min(norms):.2f} … {max(norms):.2f}")
    assert min(losses) > 0.1 and max(apart) < 1e-4
    write_json(
        GOLDEN / "train-100.json",
        {
            "about": "Starts from the weights of encoders/tiny-bert, pooler left out, dropout off. Loss: mean cross-entropy of cosine / "
            "temperature over the batch's passages, the query's own at its place. Gradient norm: global, before clipping by "
            "min(1, clipNorm / (norm + 1e-6)). Update: w -= lr * decay * w, then w -= lr * m̂ / (sqrt(v̂) + epsilon). "
            "loss and gradientNorm are float32 PyTorch, exactLoss and exactGradientNorm float64 PyTorch.",
            "versions": versions(),
            "settings": SETTINGS,
            "noDecay": spared,
            "float32Noise": {
                "loss": float(f"{max(apart):.2e}"),
                "gradientNorm": float(f"{max(norms_apart):.2e}"),
                "weights": float(f"{max(weights_apart.values()):.2e}"),
            },
            "queries": queries,
            "passages": passages,
            "batches": batches,
            "learningRate": [learning_rate(step) for step in range(STEPS)],
            "loss": decimals(torch.tensor(losses)),
            "gradientNorm": decimals(torch.tensor(norms)),
            "exactLoss": exact_losses,
            "exactGradientNorm": exact_norms,
        },
    )
    write_tensors(GOLDEN / "train-100.safetensors", exact_weights)


if __name__ == "__main__":
    main()
