"""Golden values of single operations: test/golden/ops.json.

A list of cases {op, attributes, inputs, output, upstream, gradients}. Names and attributes follow ONNX where ONNX has
the operation. A tensor is {dims, data}; numbers are float32 values in their shortest decimals, integers and booleans
carry a type. `gradients` has one entry per input, null where an input has none. Everything is computed in float64 from
the float32 inputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F

from common import GOLDEN, decimals, generator, versions, write_json

SOURCE = generator(4242)


def normal(*dims: int, scale: float = 1.0, shift: float = 0.0) -> torch.Tensor:
    return scale * torch.randn(dims, generator=SOURCE) + shift


def positive(*dims: int) -> torch.Tensor:
    """0.2 … about 3."""
    return 0.2 + torch.randn(dims, generator=SOURCE).abs()


def away_from_zero(*dims: int) -> torch.Tensor:
    drawn = torch.randn(dims, generator=SOURCE)
    return drawn + 0.3 * torch.where(drawn < 0, -1.0, 1.0)


def spread(low: float, high: float, *dims: int) -> torch.Tensor:
    """Evenly from low to high: reaches an activation's tails."""
    return torch.linspace(low, high, math.prod(dims)).reshape(dims)


def as_json(tensor: torch.Tensor) -> dict[str, object]:
    dims = list(tensor.shape)
    if tensor.dtype == torch.bool:
        return {"type": "bool", "dims": dims, "data": tensor.reshape(-1).to(torch.int64).tolist()}
    if tensor.dtype == torch.int64:
        return {"type": "int64", "dims": dims, "data": tensor.reshape(-1).tolist()}
    return {"dims": dims, "data": decimals(tensor)}


CASES: list[dict[str, object]] = []


def case(
    op: str,
    compute: Callable[..., torch.Tensor],
    *inputs: torch.Tensor,
    about: str = "",
    fixed: tuple[int, ...] = (),
    **attributes: object,
) -> None:
    """Adds one case; `fixed` names float inputs that take no gradient."""
    exact = [x.double() if x.is_floating_point() else x for x in inputs]
    for i, x in enumerate(exact):
        x.requires_grad_(x.is_floating_point() and i not in fixed)
    output = compute(*exact)
    upstream = torch.randn(output.shape, generator=SOURCE)
    output.backward(upstream.double())
    assert output.isfinite().all(), op
    record: dict[str, object] = {"op": op}
    if about:
        record["about"] = about
    record |= {
        "attributes": attributes,
        "inputs": [as_json(x) for x in inputs],
        "output": as_json(output),
        "upstream": as_json(upstream),
        "gradients": [as_json(x.grad) if x.requires_grad else None for x in exact],
    }
    CASES.append(record)


def linear() -> None:
    for a, b in [
        ((3, 5), (5, 7)),
        ((1, 5), (5, 1)),
        ((2, 3, 5), (2, 5, 4)),
        ((2, 3, 5), (5, 4)),
        ((2, 3, 4, 5), (2, 3, 5, 6)),
        ((2, 1, 4, 5), (3, 5, 2)),
        ((3, 5), (2, 5, 4)),
        ((1, 3, 4), (5, 4, 2)),
    ]:
        case("MatMul", torch.matmul, normal(*a), normal(*b))

    def gemm(trans_a: int, trans_b: int, alpha: float, beta: float):
        def compute(a: torch.Tensor, b: torch.Tensor, c: torch.Tensor | None = None) -> torch.Tensor:
            product = alpha * (a.T if trans_a else a) @ (b.T if trans_b else b)
            return product if c is None else product + beta * c

        return compute

    for trans_a, trans_b, alpha, beta, c in [
        (0, 0, 1, 1, (7,)),
        (0, 1, 1, 1, (7,)),
        (1, 0, 1, 1, (3, 7)),
        (1, 1, 1, 1, (1, 7)),
        (0, 1, 0.5, -2, (3, 1)),
        (1, 0, -1.5, 0.25, (7,)),
        (0, 0, 2, 1, None),
        (1, 1, 0.125, 1, None),
    ]:
        a = normal(*((5, 3) if trans_a else (3, 5)))
        b = normal(*((7, 5) if trans_b else (5, 7)))
        more = [] if c is None else [normal(*c)]
        case("Gemm", gemm(trans_a, trans_b, alpha, beta), a, b, *more, transA=trans_a, transB=trans_b, alpha=alpha, beta=beta)


def elementwise() -> None:
    binary = {"Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Div": torch.div}
    for op, compute in binary.items():
        for a, b in [((3, 5), (3, 5)), ((2, 3, 5), (5,)), ((3, 1), (1, 7)), ((5,), (2, 3, 1)), ((2, 3), ()), ((1, 3, 1, 5), (2, 1, 4, 1))]:
            case(op, compute, normal(*a), away_from_zero(*b) if op == "Div" else normal(*b))
    case("Exp", torch.exp, spread(-20, 8, 3, 7))
    case("Log", torch.log, positive(3, 7))
    case("Sqrt", torch.sqrt, positive(3, 7))
    case("Pow", lambda x: x**2, normal(3, 7), exponent=2)
    case("Reciprocal", torch.reciprocal, away_from_zero(3, 7))
    case("Neg", torch.neg, normal(5))
    case("Tanh", torch.tanh, spread(-6, 6, 5, 5))
    case("Sigmoid", torch.sigmoid, spread(-15, 15, 5, 5))
    case("Erf", torch.erf, spread(-4, 4, 5, 7))
    case("Relu", F.relu, away_from_zero(3, 7))
    case("Gelu", lambda x: F.gelu(x), spread(-6, 6, 5, 7), approximate="none")
    case("Gelu", lambda x: F.gelu(x), normal(2, 3, 5), approximate="none")
    case("Gelu", lambda x: F.gelu(x, approximate="tanh"), spread(-6, 6, 5, 7), approximate="tanh")
    case("Gelu", lambda x: F.gelu(x, approximate="tanh"), normal(2, 3, 5), approximate="tanh")
    condition = torch.rand((2, 1, 5), generator=SOURCE) < 0.5
    case("Where", torch.where, condition, normal(2, 3, 5), normal(3, 1), about="condition, where true, where false")


def normalization() -> None:
    def softmax(x: torch.Tensor) -> torch.Tensor:
        return F.softmax(x, dim=-1)

    for dims in [(5,), (3, 7), (2, 3, 4, 5), (4, 1)]:
        case("Softmax", softmax, normal(*dims, scale=2), axis=-1)
    case("Softmax", softmax, normal(3, 7, scale=30, shift=200), about="large scores", axis=-1)
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], dtype=torch.float32).reshape(2, 1, 1, 5)
    case(
        "MaskedSoftmax",
        lambda x, m: softmax(x + (1 - m) * -1e9),
        normal(2, 3, 4, 5),
        mask,
        about="softmax over the last axis of x + (1 - mask) * -1e9",
        fixed=(1,),
        axis=-1,
    )

    for dims, epsilon in [((3, 5), 1e-12), ((3, 5), 1e-5), ((2, 3, 8), 1e-12), ((7, 1, 6), 1e-5)]:
        width = dims[-1]
        case(
            "LayerNormalization",
            lambda x, g, b, width=width, epsilon=epsilon: F.layer_norm(x, (width,), g, b, epsilon),
            normal(*dims, scale=2),
            normal(width, scale=0.3, shift=1),
            normal(width, scale=0.3),
            axis=-1,
            epsilon=epsilon,
        )
    case(
        "LayerNormalization",
        lambda x, g, b: F.layer_norm(x, (9,), g, b, 1e-12),
        normal(4, 9, shift=20),
        normal(9, scale=0.3, shift=1),
        normal(9, scale=0.3),
        about="a mean 20 times the spread",
        axis=-1,
        epsilon=1e-12,
    )
    for dims in [(3, 5), (2, 4, 7), (1, 2)]:
        case("L2Normalize", lambda x: F.normalize(x, dim=-1), normal(*dims), about="x / max(norm of the last axis, 1e-12)", axis=-1)


def reduction() -> None:
    for op, compute in {"ReduceSum": torch.sum, "ReduceMean": torch.mean}.items():
        for dims, axes, keep in [
            ((3, 5), [1], 1),
            ((3, 5), [1], 0),
            ((2, 3, 5), [1], 1),
            ((2, 3, 5), [0, 2], 0),
            ((2, 3, 4, 5), [1, 2], 1),
            ((2, 3), [0, 1], 0),
        ]:
            case(op, lambda x, compute=compute, axes=axes, keep=keep: compute(x, dim=axes, keepdim=bool(keep)), normal(*dims), axes=axes, keepdims=keep)


def shape() -> None:
    for dims, permutation in [((3, 5), [1, 0]), ((2, 3, 5), [2, 0, 1]), ((2, 3, 5), [0, 2, 1]), ((2, 3, 4, 5), [0, 2, 1, 3]), ((2, 3, 4, 5), [3, 1, 0, 2])]:
        case("Transpose", lambda x, p=permutation: x.permute(p), normal(*dims), perm=permutation)
    for dims, to in [((2, 3, 4), [6, 4]), ((6, 4), [2, 3, 2, 2]), ((5,), [1, 5, 1]), ((1, 1), [])]:
        case("Reshape", lambda x, to=to: x.reshape(to), normal(*dims), shape=to)
    for dims, to in [((3, 1), [3, 5]), ((5,), [2, 3, 5]), ((1, 3, 1), [2, 3, 4]), ((), [2, 3])]:
        case("Expand", lambda x, to=to: x.expand(to), normal(*dims), shape=to)
    for dims, axis, start, end in [((5, 3), 0, 1, 4), ((3, 7), 1, 0, 2), ((2, 5, 3), 1, 4, 5), ((2, 3, 4, 5), 3, 1, 5)]:
        case("Slice", lambda x, a=axis, s=start, e=end: x.narrow(a, s, e - s), normal(*dims), axis=axis, start=start, end=end)
    for parts, axis in [([(2, 3), (4, 3)], 0), ([(3, 1), (3, 5), (3, 2)], 1), ([(2, 1, 3), (2, 4, 3)], 1)]:
        case("Concat", lambda *xs, a=axis: torch.cat(xs, dim=a), *[normal(*dims) for dims in parts], axis=axis)


def indexing() -> None:
    for rows, width, ids in [
        (7, 5, torch.tensor([3, 0, 3, 6, 3])),
        (5, 3, torch.tensor([[1, 1, 4], [0, 1, 4]])),
        (9, 4, torch.tensor([8])),
    ]:
        case("Gather", lambda table, at: table[at], normal(rows, width), ids, about="rows of a table, some more than once", axis=0)


if __name__ == "__main__":
    linear()
    elementwise()
    normalization()
    reduction()
    shape()
    indexing()
    write_json(GOLDEN / "ops.json", {"about": "Computed in float64 from float32 inputs, rounded to float32; L = sum(output * upstream).", "versions": versions(), "cases": CASES})
    print(f"{len(CASES)} cases of {len({str(c['op']) for c in CASES})} operations, {(GOLDEN / 'ops.json').stat().st_size} bytes")
