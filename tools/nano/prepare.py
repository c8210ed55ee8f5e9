"""Prepares what `npm run nano` reads: the texts, the teacher's vectors of them, and the static encoder that nano starts
from. See README.md."""

import argparse
import hashlib
import json
import random
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
PICO = HERE.parent / "pico"
sys.path.insert(0, str(PICO))

from passages import passages_of  # noqa: E402

PASSAGES_AT_ONCE = 2000


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher", required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--cache", required=True, help="folder for packages, texts and teacher vectors; pico's may be used")
    parser.add_argument("--out", required=True, help="folder to write texts.jsonl, vectors.safetensors and start/ to")
    return parser.parse_args()


def read_passages(settings, sources, cache, seed):
    from texts import fetch

    found = []
    for source in sources:
        archive = fetch(source, Path(cache) / "packages")
        found += passages_of(source["name"], settings["most"][source["name"]], archive, seed)
    random.Random(seed).shuffle(found)
    return found[: settings["count"]]


def passage_vectors(passages, max_tokens, cache, teacher_folder):
    """Kept in the cache in parts, so that an interrupted run resumes."""
    from teach import Teacher
    from texts import digest

    teacher, parts = None, []
    for start in range(0, len(passages), PASSAGES_AT_ONCE):
        some = passages[start : start + PASSAGES_AT_ONCE]
        file = Path(cache) / f"passages-{digest([max_tokens, some])[:12]}.npy"
        if not file.exists():
            teacher = teacher or Teacher(teacher_folder, max_tokens)
            np.save(file, teacher.encode(some))
            print(f"{start + len(some):,} of {len(passages):,} passages", flush=True)
        parts.append(np.load(file))
    return np.concatenate(parts)


def smaller_vocabulary(kept, frequencies, size, frequent_share):
    """Printable ASCII, then the tokens that the texts contain most often, then the others in the teacher's order, which
    is about their frequency in English."""
    chosen = {i for i, t in enumerate(kept) if t in ("[PAD]", "[UNK]") or (len(t.removeprefix("##")) == 1 and t.isascii())}
    for i in np.argsort(-frequencies, kind="stable"):
        if len(chosen) < size * frequent_share and frequencies[i] > 0:
            chosen.add(int(i))
    for i in range(len(kept)):
        if len(chosen) < size:
            chosen.add(i)
    return sorted(chosen)


def start_encoder(settings, recipe, options, texts, vectors, train):
    """A static encoder as tools/pico makes it, wider, with fewer tokens and not rounded to int8."""
    from tokenizers import Tokenizer

    from make import damped
    from student import Student, Tokens, distill, features_of
    from teach import input_embeddings, token_vectors
    from vocabulary import kept_tokens, tokenizer_json

    def tokenized(kept):
        definition = tokenizer_json(options.teacher, kept)
        tokenizer = Tokenizer.from_str(json.dumps(definition))
        return definition, Tokens(tokenizer, texts, kept.index("[UNK]"), recipe["maxTokens"] - 2)

    kept, teacher_ids = kept_tokens(options.teacher)
    frequencies = tokenized(kept)[1].frequencies(len(kept))
    chosen = smaller_vocabulary(kept, frequencies, settings["vocabulary"], settings["frequentShare"])
    kept, teacher_ids = [kept[i] for i in chosen], [teacher_ids[i] for i in chosen]
    definition, tokens = tokenized(kept)
    frequencies = tokens.frequencies(len(kept))
    features = features_of(
        token_vectors(recipe, options.cache, options.teacher, teacher_ids),
        input_embeddings(options.teacher, teacher_ids),
    )
    student = Student(features, frequencies, settings["dims"], recipe["student"]["smoothing"])
    training = {**recipe["training"], "epochs": settings["epochs"]}
    table = distill(student, tokens, vectors, train, training, recipe["seed"])
    return definition, damped(table, frequencies, settings["damping"])


def write_vectors(file, texts, vectors, teacher):
    """As `retriever-studio embed --lists` writes them: found by the first 8 bytes of a text's SHA-256."""
    from safetensors.numpy import save_file

    keys = [list(hashlib.sha256(text.encode("utf8")).digest()[:8]) for text in texts]
    tensors = {
        "passages": vectors,
        "passage_texts": np.array(keys, np.uint8),
        "queries": np.zeros((0, vectors.shape[1]), np.float16),
        "query_texts": np.zeros((0, 8), np.uint8),
    }
    save_file(tensors, file, metadata={"model": teacher})


def main():
    options = arguments()
    settings = json.loads((HERE / "texts.json").read_text("utf8"))
    recipe = json.loads((PICO / "pico.json").read_text("utf8"))
    recipe["chunks"] = max(settings["start"]["chunks"], settings["chunks"])
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)

    from make import texts_and_vectors, write_model
    from teach import load_texts, teach

    entries = load_texts(recipe, options.cache)
    teach(recipe, entries, options.cache, options.teacher)
    texts, vectors, held, train = texts_and_vectors(recipe, options.cache, entries)

    passages = read_passages(settings["passages"], recipe["sources"], options.cache, settings["seed"])
    long_vectors = passage_vectors(passages, settings["passages"]["maxTokens"], options.cache, options.teacher)
    few, few_vectors, held_out, _ = texts_and_vectors({**recipe, "chunks": settings["chunks"]}, options.cache, entries)
    skipped = sum(map(len, held_out))
    learned = few[skipped:] + passages
    with open(out / "texts.jsonl", "w", encoding="utf8") as file:
        for i, text in enumerate(learned):
            file.write(json.dumps({"_id": str(i), "text": text}, ensure_ascii=False) + "\n")
    write_vectors(
        out / "vectors.safetensors", learned, np.concatenate([few_vectors[skipped:], long_vectors]), recipe["teacher"]
    )
    print(f"{len(learned):,} texts, {len(passages):,} of them passages", flush=True)

    definition, table = start_encoder(settings["start"], recipe, options, texts, vectors, train)
    write_model(out / "start", table, definition, recipe)


if __name__ == "__main__":
    main()
