"""Makes pico, the static encoder that comes with the studio. See README.md."""

import argparse
import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
RECIPE = HERE / "pico.json"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher", required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--cache", required=True, help="folder for packages, texts and teacher vectors; kept between runs")
    parser.add_argument("--out", required=True, help="folder to write the encoder to")
    parser.add_argument("--processes", type=int, default=2, help="that compute teacher vectors")
    parser.add_argument("--set", action="append", default=[], metavar="DIR=SPLITS", help="data set to evaluate on")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def teach_all(options, recipe):
    from teach import load_texts, teach

    entries = load_texts(recipe, options.cache)
    if options.worker is not None:
        import torch

        torch.set_num_threads(1)
        teach(recipe, entries, options.cache, options.teacher, options.worker, options.processes)
        sys.exit()
    command = [sys.executable, __file__, *sys.argv[1:], "--worker"]
    workers = [subprocess.Popen([*command, str(i)]) for i in range(options.processes)]
    if any([worker.wait() for worker in workers]):
        sys.exit("A process that computes teacher vectors has failed. Re-run the command to resume.")
    return entries


def texts_and_vectors(recipe, cache, entries):
    """The texts of all chunks, their teacher vectors, and which rows belong together: held out and for training."""
    from teach import chunk_entries, chunk_file

    texts, vectors, held, train = [], [], [], []
    for index in range(recipe["chunks"]):
        for entry in chunk_entries(recipe, entries, index):
            rows = np.arange(len(texts), len(texts) + len(entry))
            texts += entry
            (held if index < recipe["heldOutChunks"] else train).append(rows)
        vectors.append(np.load(chunk_file(recipe, cache, index)))
    return texts, np.concatenate(vectors), held, train


def quantized(table):
    """int8 with one scale for the whole table. A vector is normalized, so the scale itself is not stored."""
    most = np.quantile(np.abs(table), 0.9999)
    return np.clip(np.round(table / most * 127), -127, 127).astype(np.int8)


def damped(table, frequencies, damping):
    """Shorter rows for frequent tokens once more: passages are longer than most of the texts that the student has seen,
    and in a longer text function words outweigh what it is about."""
    share = frequencies / frequencies.sum()
    return (table * (damping / (damping + share))[:, None]).astype(np.float32)


def write_json(file, value):
    file.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")), "utf8")


def write_model(folder, table, definition, recipe):
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    save_file({"embeddings": table}, folder / "model.safetensors", metadata={"format": "pt"})
    write_json(folder / "tokenizer.json", definition)
    config = {
        "model_type": "model2vec",
        "architectures": ["StaticModel"],
        "tokenizer_name": recipe["teacher"],
        "hidden_dim": table.shape[1],
        "normalize": True,
        "max_length": recipe["student"]["maxLength"],
        "embedding_dtype": str(table.dtype),
    }
    write_json(folder / "config.json", config)


def record(folder):
    files = {}
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        content = (folder / name).read_bytes()
        files[name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return files


def retrieval(vectors, held):
    """Mean reciprocal rank of an entry's second text for its first, among the second texts of all held-out entries."""
    pairs = [(rows[0], rows[1]) for rows in held if len(rows) > 1]
    at = {row: i for i, row in enumerate(np.concatenate(held))}
    first, second = (vectors[[at[pair[side]] for pair in pairs]] for side in (0, 1))
    scores = first @ second.T
    return float((1 / ((scores > scores.diagonal()[:, None]).sum(1) + 1)).mean())


def main():
    options = arguments()
    recipe = json.loads(RECIPE.read_text("utf8"))
    started = time.time()
    entries = teach_all(options, recipe)
    print(f"teacher vectors: {time.time() - started:.0f} s", flush=True)

    from tokenizers import Tokenizer

    import evaluate
    from student import Student, Tokens, distill, embed, features_of
    from teach import input_embeddings, token_vectors
    from vocabulary import kept_tokens, tokenizer_json

    kept, teacher_ids = kept_tokens(options.teacher)
    definition = tokenizer_json(options.teacher, kept)
    tokenizer = Tokenizer.from_str(json.dumps(definition))
    unknown = kept.index("[UNK]")
    own = token_vectors(recipe, options.cache, options.teacher, teacher_ids)
    texts, vectors, held, train = texts_and_vectors(recipe, options.cache, entries)
    tokens = Tokens(tokenizer, texts, unknown, recipe["maxTokens"] - 2)
    print(f"{len(texts):,} texts, {tokens.lengths.sum():,} tokens, {len(kept):,} token vectors", flush=True)

    settings = recipe["student"]
    features = features_of(own, input_embeddings(options.teacher, teacher_ids))
    student = Student(features, tokens.frequencies(len(kept)), settings["dims"], settings["smoothing"])
    start = student.table()
    started = time.time()
    table = distill(student, tokens, vectors, train, recipe["training"], recipe["seed"])
    table = damped(table, tokens.frequencies(len(kept)), settings["damping"])
    print(f"distillation: {time.time() - started:.0f} s", flush=True)

    final = quantized(table)
    rows = np.concatenate(held)
    tables = {"untrained": start, "float32": table, "int8": final.astype(np.float32)}
    print(f"held out: teacher {retrieval(vectors[rows].astype(np.float32), held):.4f}")
    for name, each in tables.items():
        print(f"held out: {name} {retrieval(embed(each, tokens, rows), held):.4f}")
    for setting in options.set:
        folder, splits = setting.split("=")
        data = evaluate.load(folder, splits.split(","))
        queries = Tokens(tokenizer, data["queries"], unknown, settings["maxLength"])
        documents = Tokens(tokenizer, data["documents"], unknown, settings["maxLength"])
        for name, each in tables.items():
            figure = evaluate.ndcg(data, embed(each, queries), embed(each, documents, step=500)).mean()
            print(f"{setting}: {name} nDCG@10 {figure:.4f}", flush=True)

    write_model(Path(options.out), final, definition, recipe)
    recipe["files"] = record(Path(options.out))
    RECIPE.write_text(json.dumps(recipe, indent=2, ensure_ascii=False) + "\n", "utf8")


if __name__ == "__main__":
    main()
