"""Opens an exported model folder with Sentence Transformers and compares its vectors with ours.

    python verify_export.py --model FOLDER --texts texts.jsonl --vectors ours.npy [--role query|passage]

`texts.jsonl` holds one object per line (the key `text`, see --field) or, with another ending, one text per line; row i
of the .npy belongs to text i. Prints one JSON object; exit code 1 where the least cosine is below --least. Unit vectors
are expected where the folder normalizes, so lengths are compared too. With --write and no --vectors it stores Sentence
Transformers' own vectors.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import sentence_transformers
from sentence_transformers import SentenceTransformer


def read_texts(path: Path, field: str, limit: int) -> list[str]:
    lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()][:limit]
    return [json.loads(line)[field] for line in lines] if path.suffix in (".jsonl", ".ndjson") else lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--texts", required=True, type=Path)
    parser.add_argument("--vectors", type=Path, help="our vectors, float32 [texts, dimension]")
    parser.add_argument("--write", type=Path, help="store Sentence Transformers' vectors here")
    parser.add_argument("--field", default="text")
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--role", choices=["query", "passage"], help="which of the folder's prompts goes before each text")
    parser.add_argument("--least", type=float, default=0.9999)
    options = parser.parse_args()
    if not options.model.is_dir():
        parser.error(f"{options.model} is not a folder")

    model = SentenceTransformer(str(options.model), device="cpu", local_files_only=True)
    texts = read_texts(options.texts, options.field, options.limit)
    encode = {"query": model.encode_query, "passage": model.encode_document, None: model.encode}[options.role]
    theirs = np.asarray(encode(texts, batch_size=16, show_progress_bar=False), dtype=np.float64)
    if options.write:
        np.save(options.write, theirs.astype(np.float32))
    record: dict[str, object] = {
        "model": str(options.model),
        "modules": [type(module).__name__ for module in model],
        "maxSeqLength": model.max_seq_length,
        "prompts": {name: prompt for name, prompt in model.prompts.items() if prompt},
        "defaultPrompt": model.default_prompt_name,
        "similarity": model.similarity_fn_name,
        "texts": len(texts),
        "dimension": theirs.shape[1],
        "sentenceTransformers": sentence_transformers.__version__,
    }
    failed = False
    if options.vectors:
        ours = np.load(options.vectors).astype(np.float64)[: len(texts)]
        if ours.shape != theirs.shape:
            sys.exit(f"{options.vectors} holds {ours.shape}, Sentence Transformers gives {theirs.shape}")
        lengths = np.linalg.norm(ours, axis=1), np.linalg.norm(theirs, axis=1)
        cosine = (ours * theirs).sum(1) / (lengths[0] * lengths[1])
        failed = not cosine.min() >= options.least
        record |= {
            "minCosine": float(cosine.min()),
            "worstText": int(cosine.argmin()),
            "maxLengthDifference": float(np.abs(lengths[0] / lengths[1] - 1).max()),
            "maxDifference": float(np.abs(ours - theirs).max()),
        }
    print(json.dumps(record, indent=2))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
