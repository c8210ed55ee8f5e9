"""Golden values of the significance tests from scipy -> golden/significance.json."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
from scipy import optimize, special, stats

GOLDEN = Path(os.environ.get("STUDIO_GOLDEN") or Path(__file__).resolve().parent.parent / "golden")
ALTERNATIVES = ("two-sided", "greater", "less")


def differences() -> dict[str, list[float]]:
    """Differences of a measure per query, as they occur: small sets, ties, one-sided, near zero, many queries."""
    rng = np.random.default_rng(7)
    return {
        "two queries": [0.1, 0.3],
        "eight queries": [0.5, -0.25, 0.0, 0.125, 0.25, 0.0, -0.0625, 0.5],
        "only wins": [0.1, 0.2, 0.05, 0.3, 0.15, 0.02],
        "equal sizes": [0.2, -0.2, 0.2, 0.2, -0.2, 0.2, 0.2, 0.2, 0.2, -0.2],
        "sixteen queries": [round(float(x), 4) for x in rng.normal(0.03, 0.1, 16)],
        "no effect": [round(float(x), 4) for x in rng.normal(0.0, 0.2, 50)],
        "three hundred queries": [round(float(x), 4) for x in rng.normal(0.02, 0.15, 300)],
    }


def signs_test(values: list[float], alternative: str) -> float:
    """All sign patterns: exchanging the two members of a pair negates its difference."""
    result = stats.permutation_test(
        (np.array(values), np.zeros(len(values))),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        alternative=alternative,
        n_resamples=np.inf,
    )
    return float(result.pvalue)


def power(effect: float, queries: int, alpha: float) -> float:
    critical = stats.t.ppf(1 - alpha / 2, queries - 1)
    noncentrality = effect * np.sqrt(queries)
    wrong_side = stats.nct.cdf(-critical, queries - 1, noncentrality)
    # scipy gives NaN where the wrong tail is smaller than any float64.
    return float(stats.nct.sf(critical, queries - 1, noncentrality) + np.nan_to_num(wrong_side))


def main() -> None:
    tests = []
    for name, values in differences().items():
        case: dict[str, object] = {"name": name, "differences": values, "tTest": {}}
        for alternative in ALTERNATIVES:
            t = stats.ttest_1samp(values, 0.0, alternative=alternative)
            case["t"] = float(t.statistic)
            case["tTest"][alternative] = float(t.pvalue)
        if len(values) <= 16:
            case["randomization"] = {a: signs_test(values, a) for a in ALTERNATIVES}
        interval = stats.bootstrap(
            (np.array(values),), np.mean, method="percentile", n_resamples=100_000, rng=np.random.default_rng(1)
        ).confidence_interval
        case["bootstrap95"] = [float(interval.low), float(interval.high)]
        case["standardDeviation"] = float(np.std(values, ddof=1))
        tests.append(case)

    detectable = []
    for queries, alpha, wanted in [(2, 0.05, 0.8), (5, 0.05, 0.8), (50, 0.05, 0.8), (300, 0.05, 0.8), (300, 0.01, 0.9)]:
        effect = optimize.brentq(lambda e: power(e, queries, alpha) - wanted, 1e-6, 20 if queries < 5 else 5, xtol=1e-14)
        detectable.append({"queries": queries, "alpha": alpha, "power": wanted, "effect": float(effect)})

    grid = [(a, b, x) for a in (0.5, 2.0, 150.0) for b in (0.5, 3.0) for x in (1e-6, 0.1, 0.5, 0.97)]
    golden = {
        "tests": tests,
        "detectable": detectable,
        "incompleteBeta": [[a, b, x, float(special.betainc(a, b, x))] for a, b, x in grid],
        "logGamma": [[x, float(special.gammaln(x))] for x in (0.1, 0.5, 1.0, 2.5, 10.0, 171.5, 3490.0)],
        "normalBelow": [[z, float(special.ndtr(z))] for z in (-10.0, -3.5, -3.0, -1.0, 0.0, 0.3, 2.9, 3.1, 6.0)],
        "studentTail": [
            [t, df, float(stats.t.sf(t, df))] for t in (-2.0, 0.0, 0.7, 3.0, 12.0) for df in (1, 7, 299, 6979)
        ],
    }
    (GOLDEN / "significance.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
