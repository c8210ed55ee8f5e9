"""Static encoders: golden/static/, folders that sentence-transformers and model2vec write, with the vectors that they
give; and golden/static/train-100, trainings of nn.EmbeddingBag with SparseAdam under every loss.

Trainings run in float64 from float32 tables. Vectors are those of the libraries themselves.
"""

from __future__ import annotations

import json
import shutil

import torch
from model2vec import StaticModel
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding
from tokenizers import Tokenizer

from common import GOLDEN, decimals, float32, generator, versions, write_json, write_tensors
import losses as reference

HERE = GOLDEN / "static"
TEXTS = [
    "what is the protein of a cell",
    "Heat, light and WATER!",
    "",
    "\u4e2d\u6587 \u00df",
    "the \u4e2d blood \u4e2d virus",
    "the rate of " + "studying the gene " * 12,
    "abcdefghijklmnopqrstuvwxyz" * 4,
    "caf\u00e9 \U0001f9ea\U0001f9ea bone",
    "\U0001f9ea" * 30 + " bone",
]


def table(seed: int, rows: int, width: int, std: float = 1.0) -> torch.Tensor:
    return float32(std * torch.randn(rows, width, generator=generator(seed), dtype=torch.float64))


def emptied(name: str):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def folders() -> dict[str, list[list[float]]]:
    tokenizer = GOLDEN / "encoders/tiny-bert/tokenizer.json"
    rows = Tokenizer.from_file(str(tokenizer)).get_vocab_size()
    vectors = {}

    folder = emptied("sentence-transformers")
    module = StaticEmbedding(Tokenizer.from_file(str(tokenizer)), embedding_weights=table(1, rows, 6))
    model = SentenceTransformer(modules=[module, Normalize()], device="cpu")
    model.save(str(folder))
    vectors[folder.name] = model.encode(TEXTS)

    plain = table(2, rows, 6).numpy()
    mapping = torch.randint(0, 20, (rows,), generator=generator(3)).numpy()
    weights = torch.rand(rows, generator=generator(4), dtype=torch.float64).numpy()
    variants = {
        "model2vec": {"vectors": plain, "max_length": 8},
        "model2vec-int8": {"vectors": (plain * 30).round().clip(-127, 127).astype("int8")},
        "model2vec-float16": {"vectors": plain.astype("float16"), "normalize": False, "max_length": None},
        "model2vec-quantized": {"vectors": plain[:20].copy(), "token_mapping": mapping, "weights": weights},
    }
    for name, settings in variants.items():
        folder = emptied(name)
        config = {"model_type": "model2vec", "architectures": ["StaticModel"], "hidden_dim": 6}
        model = StaticModel(tokenizer=Tokenizer.from_file(str(tokenizer)), config=config, **{"normalize": True, **settings})
        model.save_pretrained(folder)
        if name != "model2vec":
            # The same as in the first folder, but for the length at which it cuts texts, which config.json states.
            (folder / "tokenizer.json").unlink()
        vectors[name] = model.encode(TEXTS)
    for card in HERE.glob("*/README.md"):
        card.unlink()
    return {name: [decimals(torch.tensor(row)) for row in rows] for name, rows in vectors.items()}


ROWS, WIDTH, LISTS, BATCH, PASSAGES, STEPS = 40, 8, 32, 8, 3, 100
SETTINGS = {"learningRate": 0.02, "warmupSteps": 10, "betas": [0.9, 0.999], "epsilon": 1e-8}


def learning_rate(step: int) -> float:
    warmup = SETTINGS["warmupSteps"]
    share = step / warmup if step < warmup else (STEPS - step) / (STEPS - warmup)
    return SETTINGS["learningRate"] * share


def texts(count: int, low: int, high: int, seed: int) -> list[list[int]]:
    source = generator(seed)
    lengths = torch.randint(low, high, (count,), generator=source).tolist()
    return [torch.randint(0, ROWS, (length,), generator=source).tolist() for length in lengths]


QUERIES = texts(LISTS, 1, 6, 5)
DOCUMENTS = texts(LISTS * PASSAGES, 2, 12, 6)
# A text without tokens has a vector of zeros.
QUERIES[3] = []
DOCUMENTS[10] = []
TEACHER = torch.rand(LISTS * PASSAGES, generator=generator(7), dtype=torch.float64)
LABELS = torch.randint(0, 3, (LISTS, PASSAGES), generator=generator(8)).double()
LABELS[:, 0] = 3
_ORDER = generator(9)
BATCHES = [torch.randperm(LISTS, generator=_ORDER)[:BATCH].tolist() for _ in range(STEPS)]


def own_rows(compute):
    """The mean over the lists of a loss over each one's own passages."""

    def total(queries, passages, batch):
        scores = torch.einsum("qd,qpd->qp", queries, passages.reshape(BATCH, PASSAGES, WIDTH))
        rows = [
            {
                "scores": scores[row],
                "teacher": TEACHER.reshape(LISTS, PASSAGES)[index],
                "labels": LABELS[index],
                "positive": 0,
                "kept": list(range(PASSAGES)),
            }
            for row, index in enumerate(batch)
        ]
        return sum(compute(row) for row in rows) / BATCH

    return total


def infonce(queries, passages, batch):
    scores = queries @ passages.T / 0.05
    return torch.nn.functional.cross_entropy(scores, torch.arange(BATCH) * PASSAGES)


def ws2(queries, passages, batch):
    scores = torch.einsum("qd,qpd->qp", queries, passages.reshape(BATCH, PASSAGES, WIDTH))
    return reference.ws2(scores, LABELS[batch], torch.ones(BATCH, PASSAGES, dtype=torch.bool), 1.0)


CASES = [
    ("infonce(temperature=0.05, scope=batch)", True, infonce),
    ("kl", True, own_rows(reference.kl)),
    ("listnet", True, own_rows(reference.listnet)),
    ("triplet", True, own_rows(reference.triplet)),
    ("margin-mse", False, own_rows(reference.margin_mse)),
    ("ws2(temperature=1, scope=own)", False, ws2),
]


def train(normalize: bool, loss) -> tuple[list[float], torch.Tensor, torch.Tensor]:
    bag = torch.nn.EmbeddingBag.from_pretrained(table(10, ROWS, WIDTH).double(), freeze=False, sparse=True, mode="mean")
    optimizer = torch.optim.SparseAdam(bag.parameters(), betas=tuple(SETTINGS["betas"]), eps=SETTINGS["epsilon"])

    def embed(rows: list[list[int]]) -> torch.Tensor:
        offsets = [0]
        for row in rows[:-1]:
            offsets.append(offsets[-1] + len(row))
        vectors = bag(torch.tensor([token for row in rows for token in row]), torch.tensor(offsets))
        return torch.nn.functional.normalize(vectors, dim=1) if normalize else vectors

    values, gradient = [], None
    for step, batch in enumerate(BATCHES):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step)
        passages = [DOCUMENTS[PASSAGES * i + place] for i in batch for place in range(PASSAGES)]
        value = loss(embed([QUERIES[i] for i in batch]), embed(passages), batch)
        optimizer.zero_grad()
        value.backward()
        if gradient is None:
            gradient = bag.weight.grad.to_dense().clone()
        values.append(float(value.detach()))
        optimizer.step()
    return values, gradient, bag.weight.detach().clone()


def main() -> None:
    vectors = folders()
    write_json(HERE / "golden.json", {"versions": versions(), "texts": TEXTS, "vectors": vectors})
    tensors = {"start": table(10, ROWS, WIDTH)}
    curves = []
    for spec, normalize, loss in CASES:
        values, gradient, final = train(normalize, loss)
        print(f"{spec}: {values[0]:.4f} → {values[-1]:.4f}")
        name = spec.split("(")[0]
        tensors[f"{name}/gradient"], tensors[f"{name}/final"] = gradient, final
        curves.append({"loss": spec, "normalize": normalize, "values": [float(f"{value:.7g}") for value in values]})
    write_json(
        HERE / "train-100.json",
        {
            "about": "nn.EmbeddingBag (mean) and SparseAdam in float64; list i has the passages 3i, 3i + 1 and 3i + 2, the first its positive.",
            "versions": versions(),
            "settings": SETTINGS,
            "queries": QUERIES,
            "passages": DOCUMENTS,
            "teacher": decimals(TEACHER),
            "labels": LABELS.flatten().int().tolist(),
            "batches": BATCHES,
            "learningRate": [learning_rate(step) for step in range(STEPS)],
            "cases": curves,
        },
    )
    write_tensors(HERE / "train-100.safetensors", tensors)


if __name__ == "__main__":
    main()
