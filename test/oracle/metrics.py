"""Golden values of the retrieval measures from trec_eval itself (pytrec_eval) -> golden/metrics.json."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytrec_eval

GOLDEN = Path(os.environ.get("STUDIO_GOLDEN") or Path(__file__).resolve().parent.parent / "golden")
MEASURES = {
    "num_ret", "num_rel", "num_rel_ret", "map", "Rprec", "bpref", "recip_rank", "P.1,5,10", "recall.5,10,100",
    "ndcg", "ndcg_cut.1,5,10,100", "map_cut.5,100", "success.1,5,10",
}  # fmt: skip


def collection() -> tuple[dict[str, dict[str, int]], dict[str, dict[str, float]]]:
    """Judgements and a run with what goes wrong most easily: ties, ties that exist only in float32, grades below
    zero, documents without a judgement, queries without a relevant document, ids beyond the basic plane."""
    rng = np.random.default_rng(5)
    qrels: dict[str, dict[str, int]] = {}
    run: dict[str, dict[str, float]] = {}
    for q in range(12):
        judged = rng.choice(60, size=25, replace=False)
        qrels[f"q{q}"] = {f"d{d}": int(g) for d, g in zip(judged, rng.choice([-1, 0, 0, 1, 2, 3], size=25))}
        retrieved = rng.choice(60, size=int(rng.integers(3, 40)), replace=False)
        run[f"q{q}"] = {f"d{d}": float(np.round(rng.normal(), 1)) for d in retrieved}
    qrels["no relevant"] = {"d1": 0, "d2": -1}
    run["no relevant"] = {"d1": 1.0, "d2": 0.5, "d3": 0.25}
    qrels["float32 tie"] = {"a": 1, "b": 0, "c": 2}
    run["float32 tie"] = {"a": 0.700000001, "b": 0.7, "c": 0.6999999999}
    # UTF-16 units order these two the other way round than UTF-8 bytes do.
    qrels["code points"] = {"\U0001f600": 1, "\uff5e": 0, "é": 2, "z": 0}
    run["code points"] = {"\U0001f600": 1.0, "\uff5e": 1.0, "é": 1.0, "z": 1.0}
    run["not judged"] = {"d1": 1.0}
    qrels["not in the run"] = {"d1": 1}
    return qrels, run


def main() -> None:
    qrels, run = collection()
    expected = {}
    for level in (1, 2):
        evaluator = pytrec_eval.RelevanceEvaluator(qrels, MEASURES, relevance_level=level)
        expected[str(level)] = evaluator.evaluate(run)
    golden = {"qrels": qrels, "run": run, "expected": expected}
    (GOLDEN / "metrics.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
