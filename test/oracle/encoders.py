"""Golden values of tiny random encoders: test/golden/encoders/<name>/.

Each folder is a Hugging Face model folder plus golden.json and golden.safetensors. Weights are float32 and stored as
such; everything computed from them is computed in float64 (the weights cast up, dropout off, eager attention) and
rounded to float32 once, at the end.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from common import GOLDEN, float32, generator, relative_error, spread_weights, versions, write_json, write_tensors

import torch
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    BertTokenizer,
    DistilBertConfig,
    DistilBertModel,
)

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PIECES = list("abcdefghijklmnopqrstuvwxyz") + ["##" + c for c in "abcdefghijklmnopqrstuvwxyz"]
WORDS = [
    "the", "of", "and", "to", "in", "is", "what", "how", "does", "cell", "water", "light", "heat", "gene", "bone",
    "blood", "protein", "virus", "cause", "drug", "study", "model", "rate", "##s", "##ing", "##ed", "##er", "##tion",
    ".", ",", "?", "-", "(", ")", "0", "1", "2", "3", "4", "!", "/", "for", "with", "are",
]  # fmt: skip
VOCAB = list(dict.fromkeys(SPECIAL + PIECES + WORDS))[:100]

SIZES = dict(vocab=100, hidden=16, layers=2, heads=2, feed_forward=32, positions=32)

# Three rows of 8 tokens: full, padded by 3, padded by 5. Token 20 comes twice in a row and again in another one.
INPUT_IDS = [
    [2, 20, 61, 7, 20, 99, 33, 3],
    [2, 45, 20, 88, 3, 0, 0, 0],
    [2, 57, 3, 0, 0, 0, 0, 0],
]
ATTENTION_MASK = [[1 if token else 0 for token in row] for row in INPUT_IDS]
PAIR_IDS = [
    [2, 20, 61, 3, 20, 99, 33, 3],
    [2, 45, 3, 20, 88, 3, 0, 0],
    [2, 57, 3, 12, 3, 0, 0, 0],
]
PAIR_SEGMENTS = [
    [0, 0, 0, 0, 1, 1, 1, 1],
    [0, 0, 0, 1, 1, 1, 0, 0],
    [0, 0, 0, 1, 1, 0, 0, 0],
]
PAIR_MASK = [[1 if token else 0 for token in row] for row in PAIR_IDS]

TEXTS = [
    "What is the protein of the cell?",
    "light, heat and WATER (2)",
    "Café studies: naïve modeling",
    "gene-drug rates\tcaused\n by a virus.",
    "中文 zzz",
    "",
]
PAIRS = [["what is heat", "the heat of light"], ["", "bone"], ["how does blood clot in bones", "a protein study of the blood"]]

POOLINGS = {
    "mean-normalize": ("mean", True),
    "mean": ("mean", False),
    "cls-normalize": ("cls", True),
}


def bert_config(**more: object) -> BertConfig:
    return BertConfig(
        vocab_size=SIZES["vocab"],
        hidden_size=SIZES["hidden"],
        num_hidden_layers=SIZES["layers"],
        num_attention_heads=SIZES["heads"],
        intermediate_size=SIZES["feed_forward"],
        max_position_embeddings=SIZES["positions"],
        type_vocab_size=2,
        attn_implementation="eager",
        **more,
    )


def distilbert_config() -> DistilBertConfig:
    return DistilBertConfig(
        vocab_size=SIZES["vocab"],
        dim=SIZES["hidden"],
        n_layers=SIZES["layers"],
        n_heads=SIZES["heads"],
        hidden_dim=SIZES["feed_forward"],
        max_position_embeddings=SIZES["positions"],
        attn_implementation="eager",
    )


def pool(hidden: torch.Tensor, mask: torch.Tensor, pooling: str, normalize: bool) -> torch.Tensor:
    """Sentence Transformers' pooling: the masked mean or the first token, then x / max(‖x‖, 1e-12)."""
    if pooling == "cls":
        pooled = hidden[:, 0]
    else:
        weight = mask.to(hidden.dtype).unsqueeze(-1)
        pooled = (hidden * weight).sum(1) / weight.sum(1).clamp_min(1e-9)
    return torch.nn.functional.normalize(pooled, dim=-1) if normalize else pooled


def gradients(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """∂L/∂parameter by state-dict name, without those the output does not depend on at all (an unused pooler)."""
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def vanishing(found: dict[str, torch.Tensor]) -> list[str]:
    """Tensors whose gradient is 0 in exact arithmetic: a key bias shifts all scores of a row alike."""
    return sorted(name for name, g in found.items() if float(g.norm()) < 1e-12)


def write_tokenizer(folder: Path) -> dict[str, object]:
    """vocab.txt and the tokenizer's files; returns what it makes of a few texts and pairs."""
    assert len(VOCAB) == SIZES["vocab"], len(VOCAB)
    (folder / "vocab.txt").write_text("\n".join(VOCAB) + "\n", encoding="utf-8")
    BertTokenizer(vocab={token: i for i, token in enumerate(VOCAB)}, do_lower_case=True, model_max_length=SIZES["positions"]).save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    encoded = []
    for text in TEXTS:
        for longest in (32, 6):
            ids = tokenizer(text, truncation=True, max_length=longest)["input_ids"]
            encoded.append({"text": text, "maxLength": longest, "ids": ids})
    pairs = []
    for first, second in PAIRS:
        for longest in (32, 12, 9):
            out = tokenizer(first, second, truncation="longest_first", max_length=longest)
            pairs.append({"first": first, "second": second, "maxLength": longest, "ids": out["input_ids"], "segments": out["token_type_ids"]})
    return {"texts": encoded, "pairs": pairs}


def write_sentence_transformer(folder: Path, pooling: str, normalize: bool) -> None:
    kind = "sentence_transformers.models"
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": f"{kind}.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{kind}.Pooling"},
    ]
    if normalize:
        modules.append({"idx": 2, "name": "2", "path": "2_Normalize", "type": f"{kind}.Normalize"})
    (folder / "modules.json").write_text(json.dumps(modules, indent=2) + "\n")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling/config.json").write_text(
        json.dumps(
            {
                "word_embedding_dimension": SIZES["hidden"],
                "pooling_mode_cls_token": pooling == "cls",
                "pooling_mode_mean_tokens": pooling == "mean",
                "pooling_mode_max_tokens": False,
                "pooling_mode_mean_sqrt_len_tokens": False,
            },
            indent=2,
        )
        + "\n"
    )
    (folder / "sentence_bert_config.json").write_text(
        json.dumps({"max_seq_length": SIZES["positions"], "do_lower_case": False}, indent=2) + "\n"
    )


def fresh_folder(name: str) -> Path:
    folder = GOLDEN / "encoders" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def encoder(name: str, model: torch.nn.Module, seed: int) -> None:
    folder = fresh_folder(name)
    spread_weights(model, seed)
    model.eval()
    model.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    ids, mask = torch.tensor(INPUT_IDS), torch.tensor(ATTENTION_MASK)
    upstream = torch.randn((len(INPUT_IDS), SIZES["hidden"]), generator=generator(seed + 1))

    def run(dtype: torch.dtype, pooling: str, normalize: bool):
        model.to(dtype).zero_grad()
        hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
        embedding = pool(hidden, mask, pooling, normalize)
        (embedding * upstream.to(dtype)).sum().backward()
        return hidden, embedding, gradients(model)

    tensors: dict[str, torch.Tensor] = {"upstream": upstream}
    noise: dict[str, float] = {}
    zero: dict[str, list[str]] = {}
    for variant, (pooling, normalize) in POOLINGS.items():
        _, single, rough = run(torch.float32, pooling, normalize)
        hidden, embedding, exact = run(torch.float64, pooling, normalize)
        tensors["last_hidden_state"] = hidden
        tensors[f"{variant}/embedding"] = embedding
        zero[variant] = vanishing(exact)
        for parameter, gradient in exact.items():
            tensors[f"{variant}/gradient/{parameter}"] = gradient
        kept = [n for n in exact if n not in zero[variant]]
        noise[variant] = max(relative_error(rough[n], exact[n]) for n in kept)
        print(f"{name} {variant}: float32 noise {noise[variant]:.1e}, ‖g‖ {min(float(exact[n].norm()) for n in kept):.2g} … "
              f"{max(float(exact[n].norm()) for n in kept):.2g}, zero: {len(zero[variant])}")
    write_tensors(folder / "golden.safetensors", tensors)
    tokenizer = write_tokenizer(folder)
    if name == "tiny-bert":
        write_sentence_transformer(folder, "mean", True)
    write_json(
        folder / "golden.json",
        {
            "about": "Computed in float64 from the float32 weights, dropout off, rounded to float32. L = sum(embedding * upstream). "
            "Compare last_hidden_state at attended positions only.",
            "versions": versions(),
            "seed": seed,
            "inputIds": INPUT_IDS,
            "attentionMask": ATTENTION_MASK,
            "variants": {v: {"pooling": p, "normalize": n} for v, (p, n) in POOLINGS.items()},
            "vanishing": zero,
            "float32Noise": {v: float(f"{x:.2e}") for v, x in noise.items()},
            "texts": tokenizer["texts"],
            "pairs": tokenizer["pairs"],
        },
    )


def cross_encoder(name: str, seed: int) -> None:
    folder = fresh_folder(name)
    model = BertForSequenceClassification(bert_config(num_labels=1))
    spread_weights(model, seed)
    model.eval()
    model.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    ids, mask, segments = torch.tensor(PAIR_IDS), torch.tensor(PAIR_MASK), torch.tensor(PAIR_SEGMENTS)
    upstream = torch.randn((len(PAIR_IDS), 1), generator=generator(seed + 1))

    def run(dtype: torch.dtype):
        model.to(dtype).zero_grad()
        hidden = model.bert(input_ids=ids, attention_mask=mask, token_type_ids=segments).last_hidden_state
        logits = model(input_ids=ids, attention_mask=mask, token_type_ids=segments).logits
        (logits * upstream.to(dtype)).sum().backward()
        return hidden, logits, gradients(model)

    _, _, rough = run(torch.float32)
    hidden, logits, exact = run(torch.float64)
    zero = vanishing(exact)
    kept = [n for n in exact if n not in zero]
    noise = max(relative_error(rough[n], exact[n]) for n in kept)
    print(f"{name}: float32 noise {noise:.1e}, ‖g‖ {min(float(exact[n].norm()) for n in kept):.2g} … "
          f"{max(float(exact[n].norm()) for n in kept):.2g}, logits {logits.flatten().tolist()}, zero: {len(zero)}")
    tensors = {"upstream": upstream, "last_hidden_state": hidden, "logits": logits}
    tensors.update({f"gradient/{parameter}": gradient for parameter, gradient in exact.items()})
    write_tensors(folder / "golden.safetensors", tensors)
    tokenizer = write_tokenizer(folder)
    write_json(
        folder / "golden.json",
        {
            "about": "Computed in float64 from the float32 weights, dropout off, rounded to float32. L = sum(logits * upstream). "
            "Compare last_hidden_state at attended positions only.",
            "versions": versions(),
            "seed": seed,
            "inputIds": PAIR_IDS,
            "attentionMask": PAIR_MASK,
            "segments": PAIR_SEGMENTS,
            "vanishing": zero,
            "float32Noise": float(f"{noise:.2e}"),
            "texts": tokenizer["texts"],
            "pairs": tokenizer["pairs"],
        },
    )


if __name__ == "__main__":
    encoder("tiny-bert", BertModel(bert_config()), seed=101)
    encoder("tiny-distilbert", DistilBertModel(distilbert_config()), seed=202)
    cross_encoder("tiny-cross-encoder", seed=303)
