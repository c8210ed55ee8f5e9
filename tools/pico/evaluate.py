"""trec_eval's nDCG@10 of a table on data sets in BEIR's layout: a quick check while choosing; the published figures
are those of this project's `search` and `eval`."""

import json
from pathlib import Path

import numpy as np


def read_lines(file):
    return [json.loads(line) for line in file.read_text("utf8").splitlines() if line]


def load(folder, splits):
    folder = Path(folder)
    documents = read_lines(folder / "corpus.jsonl")
    judged = {}
    for split in splits:
        for line in (folder / "qrels" / f"{split}.tsv").read_text("utf8").splitlines()[1:]:
            query, document, grade = line.split("\t")
            judged.setdefault(query, {})[document] = int(grade)
    queries = [q for q in read_lines(folder / "queries.jsonl") if q["_id"] in judged]
    return {
        "ids": [d["_id"] for d in documents],
        "documents": [f"{d.get('title') or ''} {d['text']}".strip() for d in documents],
        "queries": [q["text"] for q in queries],
        "judged": [judged[q["_id"]] for q in queries],
    }


def ndcg(data, query_vectors, document_vectors, depth=10):
    """Per query."""
    scores = query_vectors @ document_vectors.T
    discount = 1 / np.log2(np.arange(2, depth + 2))
    values = []
    for row, judged in zip(scores, data["judged"]):
        top = np.argsort(-row, kind="stable")[:depth]
        gains = [max(0, judged.get(data["ids"][i], 0)) for i in top]
        ideal = sorted((max(0, g) for g in judged.values()), reverse=True)[:depth]
        best = (np.array(ideal) * discount[: len(ideal)]).sum()
        values.append((np.array(gains) * discount).sum() / best if best else 0.0)
    return np.array(values)
