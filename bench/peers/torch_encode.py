"""Encoding with MiniLM-L6 in PyTorch or Sentence Transformers: passages per second; float32.

`--through torch` times the model on ready token ids. `--through sentence-transformers` times `encode` on texts of as
many tokens, tokenizing included, and needs --model. One JSON object on standard output. cpuSeconds is processor time over all threads,
as in torch_step.py.
"""

from __future__ import annotations

import random
import time

from minilm import arguments, build, embed, forward_flops, memory_mib, now, random_texts, report, spread

import torch


def texts_of(tokenizer, count: int, tokens: int) -> list[str]:
    """Texts of one-token words, `tokens` long with the two special tokens."""
    words = sorted(word for word in tokenizer.get_vocab() if word.isascii() and word.isalpha() and word.islower() and len(word) > 3)
    source = random.Random(1)
    texts = [" ".join(source.choices(words, k=tokens - 2)) for _ in range(count)]
    assert all(len(ids) == tokens for ids in tokenizer(texts)["input_ids"])
    return texts


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--through", choices=["torch", "sentence-transformers"], default="torch")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=256)
    options = parser.parse_args()
    baseline = memory_mib()

    if options.through == "torch":
        model = build(options)
        ids, mask = random_texts(model, options.batch, options.tokens, options.device)

        def encode() -> torch.Tensor:
            return embed(model, ids, mask).cpu()

    else:
        if not options.model:
            parser.error("--through sentence-transformers needs --model")
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(options.threads)
        whole = SentenceTransformer(
            options.model, device=options.device, local_files_only=True, model_kwargs={"attn_implementation": options.attention}
        )
        whole.max_seq_length = options.tokens
        model = whole[0].auto_model
        texts = texts_of(whole.tokenizer, options.batch, options.tokens)

        def encode() -> torch.Tensor:
            return torch.from_numpy(whole.encode(texts, batch_size=options.batch))

    seconds: list[float] = []
    processor: list[float] = []
    with torch.inference_mode():
        for step in range(options.warmup + options.steps):
            started = time.process_time()
            start = now(options.device)
            encode()
            if step >= options.warmup:
                seconds.append(now(options.device) - start)
                processor.append(time.process_time() - started)

    taken = spread(seconds)
    work = options.batch * forward_flops(model, options.tokens) / 1e9
    report(
        {
            "what": f"encode {options.batch} passages of {options.tokens} tokens, {options.through}, {options.attention} attention, {options.device}",
            "steps": options.steps,
            "seconds": taken,
            "cpuSeconds": spread(processor),
            "passagesPerSecond": round(options.batch / taken["median"], 2),
            "gflopPerSecond": round(work / taken["median"], 1),
            "memoryMiB": {"afterImports": baseline, "end": memory_mib()},
        },
        options,
    )


if __name__ == "__main__":
    main()
