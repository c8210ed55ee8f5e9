"""Golden values of the real all-MiniLM-L6-v2: test/golden/minilm.json. Numbers only; the weights stay where they are.

Needs STUDIO_MODELS, the folder that holds all-MiniLM-L6-v2. Two parts: the vectors of short texts, and the gradient of
every parameter for one batch, each gradient reduced to its norm and to random projections.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch
import torch.nn.functional as F
from transformers import AutoTokenizer, BertModel

from common import GOLDEN, decimals, model_folder, random_uint32_array, relative_error, stream_key, versions, write_json
from encoders import pool, vanishing

NAME = "all-MiniLM-L6-v2"
TEXTS = [
    "hello world",
    "Why does bread rise in a warm kitchen?",
    "Yeast ferments sugar and gives off carbon dioxide, which lifts the dough.",
    "A kettle boils sooner on a mountain than at the sea, because the air presses less.",
    "Rust never sleeps",
    "The ferry to the island leaves at 7:45 and returns at 18:10.",
    "How do I reset the clock on my oven?",
    "Hold both buttons until the display blinks, then turn the dial.",
    "La bibliothèque ferme à dix-huit heures.",
    "Größere Straßen führen über den Fluß.",
    "猫は窓のそばで眠っている。",
    "naïve café façade — coöperate…",
    "E = mc² isn't on the exam; F=ma is!",
    "UPPER CASE AND lower case are one to this model",
    "antidisestablishmentarianism supercalifragilisticexpialidocious",
    "pH 7.4, 37 °C, 5% CO2, 10 µM",
    "sorted(list, key=lambda pair: pair[1])",
    "🙂 emoji are unknown here",
    "  spaces\tand\nlines   are  folded ",
    "a",
]
# The last query and the last passage do not belong together: a batch that is too easy has next to no gradient.
QUERY_TEXTS = [TEXTS[1], TEXTS[6], "when does the boat sail", "what lifts dough"]
PASSAGE_TEXTS = [TEXTS[2], TEXTS[7], TEXTS[5], TEXTS[3]]
TEMPERATURE = 0.05
PROJECTIONS = 4
SEED = 5


def signs(name: str, projection: int, count: int) -> np.ndarray:
    """±1: the lowest bit of randomUint32(streamKey(seed, 'projection', name, projection), i), 1 for +1."""
    key = stream_key(SEED, "projection", name, projection)
    return (random_uint32_array(key, count) & np.uint64(1)).astype(np.float64) * 2 - 1


def main() -> None:
    folder = model_folder(NAME)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = BertModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="eager").eval()

    def ids(texts: list[str]) -> list[list[int]]:
        return [tokenizer(text, truncation=True, max_length=256)["input_ids"] for text in texts]

    def embed(texts: list[str]) -> torch.Tensor:
        batch = tokenizer(texts, padding=True, truncation=True, max_length=256, return_tensors="pt")
        return pool(model(**batch).last_hidden_state, batch["attention_mask"], "mean", True)

    def run(dtype: torch.dtype):
        model.to(dtype).zero_grad()
        scores = embed(QUERY_TEXTS) @ embed(PASSAGE_TEXTS).T
        loss = F.cross_entropy(scores / TEMPERATURE, torch.arange(len(QUERY_TEXTS)))
        loss.backward()
        return scores.detach(), float(loss.detach()), {n: p.grad.clone() for n, p in model.named_parameters()}

    _, rough_loss, rough = run(torch.float32)
    scores, loss, exact = run(torch.float64)
    with torch.no_grad():
        vectors = embed(TEXTS)
    zero = vanishing(exact)
    kept = [name for name in exact if name not in zero]
    noise = max(relative_error(rough[name], exact[name]) for name in kept)
    norms = {name: float(exact[name].norm()) for name in exact}
    print(f"loss {loss:.6f} (float32 {rough_loss:.6f}), ‖g‖ {min(norms[n] for n in kept):.2g} … {max(norms[n] for n in kept):.2g}, "
          f"float32 noise {noise:.1e}, zero: {zero}")

    gradients = []
    for name, gradient in exact.items():
        flat = gradient.reshape(-1).numpy()
        projected = [float(signs(name, k, flat.size) @ flat) for k in range(PROJECTIONS)]
        gradients.append(
            {"name": name, "dims": list(gradient.shape), "norm": float(f"{norms[name]:.9e}"), "projections": [float(f"{x:.9e}") for x in projected]}
        )
    write_json(
        GOLDEN / "minilm.json",
        {
            "about": "all-MiniLM-L6-v2, computed in float64 from its float32 weights, dropout off. Vectors: mean pooling, unit length, six "
            "digits. Gradients: of the mean cross-entropy of cosine / temperature, queries against all passages, each reduced to its "
            "norm and to sums of its elements with random signs: sign i is + where the lowest bit of randomUint32(streamKey(seed, "
            "'projection', name, k), i) is 1, i the row-major index. A projection's error is about that of the whole gradient.",
            "versions": versions(),
            "weightsSha256": hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(),
            "helloWorld": decimals(vectors[0, :5]),
            "texts": [{"text": text, "ids": row, "vector": [round(x, 6) for x in vector]} for text, row, vector in zip(TEXTS, ids(TEXTS), vectors.tolist())],
            "queryIds": ids(QUERY_TEXTS),
            "passageIds": ids(PASSAGE_TEXTS),
            "temperature": TEMPERATURE,
            "seed": SEED,
            "scores": scores.tolist(),
            "loss": loss,
            "float32Noise": float(f"{noise:.2e}"),
            "vanishing": zero,
            "hashCheck": [int(x) for x in random_uint32_array(stream_key(SEED, "projection", "embeddings.word_embeddings.weight", 0), 4)],
            "gradients": gradients,
        },
    )


if __name__ == "__main__":
    main()
