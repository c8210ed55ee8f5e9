"""Golden learning rates of transformers' schedules: test/golden/schedules.json.

`shares[t]` is what step t's learning rate is of its peak, in float64.
"""

from __future__ import annotations

from common import GOLDEN, versions, write_json

import torch
from transformers import (
    get_constant_schedule_with_warmup,
    get_cosine_schedule_with_warmup,
    get_cosine_with_min_lr_schedule_with_warmup,
    get_linear_schedule_with_warmup,
)


def shares(make, steps: int, **settings) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = make(optimizer, **settings)
    rates = []
    for _ in range(steps + 1):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return rates


STEPS = 23
cases = [
    {"kind": kind, "warmupSteps": warmup, "totalSteps": STEPS, "floor": floor, "shares": shares(make, STEPS, num_warmup_steps=warmup, **rest)}
    for warmup in (0, 1, 5, 23)
    for kind, floor, make, rest in (
        ("constant", 0, get_constant_schedule_with_warmup, {}),
        ("linear", 0, get_linear_schedule_with_warmup, {"num_training_steps": STEPS}),
        ("cosine", 0, get_cosine_schedule_with_warmup, {"num_training_steps": STEPS}),
        ("cosine", 0.1, get_cosine_with_min_lr_schedule_with_warmup, {"num_training_steps": STEPS, "min_lr_rate": 0.1}),
    )
]
write_json(GOLDEN / "schedules.json", {"versions": versions(), "cases": cases})
