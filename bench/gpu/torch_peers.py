"""PyTorch on the work that the benchmark gives the studio: `python3 torch_peers.py WHAT … [--small]`.

WHAT is ready, matmul, encode, search, or train and compiled with SHAPE PAIRS QUERY_TOKENS PASSAGE_TOKENS SECONDS. One
JSON line for each result, as run.py reads them. The encoder is BERT in plain PyTorch with scaled_dot_product_attention,
random weights, no dropout. Needs PyTorch only, with CUDA; `--small` is a trial and takes the processor where there is none.
"""

from __future__ import annotations

import json
import sys
import time

SMALL = "--small" in sys.argv
WORDS = [word for word in sys.argv[1:] if word != "--small"]
WHAT = WORDS[0] if WORDS else ""


def emit(what: str, on: str, **more: object) -> None:
    print(json.dumps({"what": what, "on": on, **more}), flush=True)


def leave(reason: str) -> None:
    emit("PyTorch: " + WHAT, "PyTorch", skipped=reason)
    sys.exit(0)


begun = time.perf_counter()
try:
    import torch
    import torch.nn.functional as F
except ImportError as error:
    leave("PyTorch is not there (%s)" % error)
import_seconds = time.perf_counter() - begun

CUDA = torch.cuda.is_available()
if not CUDA and not SMALL:
    leave("PyTorch %s finds no CUDA device" % torch.__version__)
DEVICE = "cuda" if CUDA else "cpu"
PLACE = "" if CUDA else ", CPU"

SHAPES = {
    "MiniLM-L6": dict(vocab=30522, width=384, layers=6, heads=12, inner=1536),
    "BERT-base": dict(vocab=30522, width=768, layers=12, heads=12, inner=3072),
    "tiny": dict(vocab=96, width=16, layers=1, heads=2, inner=32),
}


def now() -> float:
    if CUDA:
        torch.cuda.synchronize()
    return time.perf_counter()


def attempt(what: str, on: str, work) -> None:
    """Measures one thing; where that fails its reason is the result, and the next follows."""
    try:
        emit(what, on + PLACE, **work())
    except Exception as error:
        emit(what, on + PLACE, failed=" ".join(("%s: %s" % (type(error).__name__, error)).split())[:300])
        if CUDA:
            torch.cuda.empty_cache()


class Layer(torch.nn.Module):
    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.output = (torch.nn.Linear(width, width) for _ in range(4))
        self.up, self.down = torch.nn.Linear(width, inner), torch.nn.Linear(inner, width)
        self.first, self.second = torch.nn.LayerNorm(width, eps=1e-12), torch.nn.LayerNorm(width, eps=1e-12)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        rows, length, width = x.shape
        q, k, v = (part(x).view(rows, length, self.heads, -1).transpose(1, 2) for part in (self.query, self.key, self.value))
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])
        x = self.first(x + self.output(seen.transpose(1, 2).reshape(rows, length, width)))
        return self.second(x + self.down(F.gelu(self.up(x))))


class Encoder(torch.nn.Module):
    """BERT without pooler; mean pooling and unit length."""

    def __init__(self, vocab: int, width: int, layers: int, heads: int, inner: int) -> None:
        super().__init__()
        self.words, self.places, self.segments = (torch.nn.Embedding(n, width) for n in (vocab, 512, 2))
        self.norm = torch.nn.LayerNorm(width, eps=1e-12)
        self.layers = torch.nn.ModuleList(Layer(width, heads, inner) for _ in range(layers))
        self.vocab = vocab

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.norm(self.words(ids) + self.places(places) + self.segments.weight[0])
        for layer in self.layers:
            x = layer(x, mask)
        weight = mask.unsqueeze(-1).to(x.dtype)
        return F.normalize((x * weight).sum(1) / weight.sum(1), dim=-1)


def encoder(name: str) -> Encoder:
    torch.manual_seed(1)
    return Encoder(**SHAPES["tiny" if SMALL else name]).to(DEVICE)


def texts(model: Encoder, count: int, tokens: int):
    ids = torch.randint(model.vocab // 2, model.vocab, (count, tokens), device=DEVICE)
    return ids, torch.ones_like(ids, dtype=torch.bool)


def repeat(work, seconds: float, warmup: int = 2) -> float:
    """Seconds of one call, the mean over the time given."""
    for _ in range(warmup):
        work()
    start = now()
    calls = 0
    while True:
        work()
        calls += 1
        # The processor runs ahead of the GPU: look at the time after waiting, but not after each call.
        if calls % 5 == 0 or SMALL:
            if now() - start > (0.2 if SMALL else seconds):
                break
    return (now() - start) / calls


def precision(name: str):
    """Matrix products as they are asked for: full float32 unless TF32 is, bf16 through autocast."""
    torch.backends.cuda.matmul.allow_tf32 = name == "TF32"
    return torch.autocast(DEVICE, dtype=torch.bfloat16, enabled=name == "bf16")


def ready() -> None:
    start = time.perf_counter()
    torch.zeros(1, device=DEVICE).cpu()
    name = torch.cuda.get_device_name() if CUDA else "no CUDA device"
    seconds = "%.1f s to import, %.1f s to open the device" % (import_seconds, time.perf_counter() - start)
    emit("PyTorch", "PyTorch" + PLACE, value="%s, CUDA %s, %s" % (torch.__version__, torch.version.cuda, name), note=seconds)


def matmul() -> None:
    for name in ("fp32", "TF32", "bf16"):
        for size in (64, 128) if SMALL else (1024, 2048, 4096, 8192):

            def rate() -> dict:
                precision(name)
                kind = torch.bfloat16 if name == "bf16" else torch.float32
                a, b = (torch.randn(size, size, device=DEVICE).to(kind) for _ in range(2))
                seconds = repeat(lambda: a @ b, 0.7)
                return dict(value=2 * size**3 / seconds / 1e12, unit="TFLOP/s", note="mean")

            attempt("matrix product %d³" % size, "PyTorch " + name, rate)


def training(name: str, numbers: list, kinds: tuple, compiled: bool = False) -> None:
    pairs, query_tokens, passage_tokens, seconds = (4, 8, 8, 0) if SMALL else numbers
    label = "compiled" if compiled else "eager"
    for kind in kinds:

        def steps() -> dict:
            context = precision(kind)
            model = encoder(name)
            apply = torch.compile(model) if compiled else model
            decayed = [p for n, p in model.named_parameters() if not (n.endswith(".bias") or "norm" in n or "first" in n or "second" in n)]
            spared = [p for n, p in model.named_parameters() if n.endswith(".bias") or "norm" in n or "first" in n or "second" in n]
            groups = [{"params": decayed, "weight_decay": 0.01}, {"params": spared, "weight_decay": 0.0}]
            optimizer = torch.optim.AdamW(groups, lr=2e-5)
            queries, passages = texts(model, pairs, query_tokens), texts(model, pairs, passage_tokens)
            target = torch.arange(pairs, device=DEVICE)
            losses = []

            def step() -> None:
                with context:
                    query_vectors, passage_vectors = apply(*queries), apply(*passages)
                loss = F.cross_entropy(query_vectors.float() @ passage_vectors.float().T / 0.05, target)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()
                losses.append(loss.detach())

            if CUDA:
                torch.cuda.reset_peak_memory_stats()
            taken = repeat(step, seconds, warmup=3)
            memory = "%.0f MiB of GPU memory at most" % (torch.cuda.max_memory_allocated() / 2**20) if CUDA else ""
            sizes = "%d pairs of %d + %d tokens, random weights of %s" % (pairs, query_tokens, passage_tokens, "a tiny shape" if SMALL else "its shape")
            detail = {"loss": [float(losses[0]), float(losses[-1])], "pairsPerSecond": pairs / taken}
            return dict(value=1000 * taken, unit="ms", note="; ".join(filter(None, [sizes, memory])), detail=detail)

        attempt("%s training step, %d pairs, one batch" % (name, pairs), "PyTorch %s %s" % (label, kind), steps)


def encode() -> None:
    for tokens in (8, 16) if SMALL else (128, 256):
        for kind in ("fp32", "bf16"):

            def speed() -> dict:
                count = 8 if SMALL else 256
                context = precision(kind)
                model = encoder("MiniLM-L6").eval()
                batch = texts(model, count, tokens)

                def once() -> None:
                    with torch.inference_mode(), context:
                        model(*batch).float().cpu()

                note = "batches of %d, random weights of %s, tokenizing not counted" % (count, "a tiny shape" if SMALL else "MiniLM-L6’s shape")
                return dict(value=count / repeat(once, 3), unit="passages/s", note=note)

            attempt("encoding passages of %d tokens" % tokens, "PyTorch " + kind, speed)


def search() -> None:
    count = 10_000 if SMALL else 1_000_000
    for kind in ("fp32", "bf16"):
        for batch in (1, 8) if SMALL else (1, 32, 256):

            def speed() -> dict:
                precision(kind)
                numbers = torch.bfloat16 if kind == "bf16" else torch.float32
                vectors = torch.randn(count, 384, device=DEVICE).to(numbers)
                queries = torch.randn(batch, 384, device=DEVICE).to(numbers)
                seconds = repeat(lambda: torch.topk(queries @ vectors.T, 100).indices.cpu(), 0.7)
                return dict(value=1000 * seconds / batch, unit="ms per query", note="the best 100, vectors on the device")

            attempt("exact search over %d × 384, %d at a time" % (count, batch), "PyTorch " + kind, speed)


def main() -> None:
    numbers = [int(word) for word in WORDS[2:]]
    if WHAT == "compiled" and not CUDA:
        leave("compiling is tried with CUDA only")
    if WHAT in ("train", "compiled"):
        kinds = ("fp32", "bf16")
        training(WORDS[1], numbers, kinds, compiled=WHAT == "compiled")
    else:
        {"ready": ready, "matmul": matmul, "encode": encode, "search": search}[WHAT]()


if __name__ == "__main__":
    main()
