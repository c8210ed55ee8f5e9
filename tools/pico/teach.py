"""Teacher vectors of the texts, chunk by chunk: a chunk has the same share of every source, and a file of its own, so
that the work stops and resumes at any time and training can start with the chunks that are there."""

import json
import os
import time
from pathlib import Path

import numpy as np

from texts import digest, entries_of


def cache_of(recipe, cache):
    """The folder for what depends on these sources, this cut and this teacher."""
    sources = [[s["name"], s["package"], s["version"], s["entriesPerChunk"]] for s in recipe["sources"]]
    return Path(cache) / digest([recipe["seed"], recipe["teacher"], recipe["maxTokens"], sources])[:12]


def load_texts(recipe, cache):
    """Source to entries, read from the cache once they have been cut."""
    file = cache_of(recipe, cache) / "texts.json"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        entries = entries_of(recipe, Path(cache) / "packages")
        file.write_text(json.dumps(entries, ensure_ascii=False), "utf8")
    return json.loads(file.read_text("utf8"))


def chunk_entries(recipe, entries, index):
    """The entries of chunk `index`, from every source its share."""
    chunk = []
    for source in recipe["sources"]:
        share = source["entriesPerChunk"]
        chunk += entries[source["name"]][index * share : (index + 1) * share]
    return chunk


def chunk_file(recipe, cache, index):
    return cache_of(recipe, cache) / f"{index:04}.npy"


class Teacher:
    def __init__(self, folder, max_tokens):
        import torch
        from transformers import AutoModel, AutoTokenizer

        self.torch = torch
        self.max_tokens = max_tokens
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        # bfloat16 changes a text's cosines by 0.0007 on average and halves the time.
        self.model = AutoModel.from_pretrained(folder, dtype=torch.bfloat16).eval()

    def encode(self, texts):
        return self.encode_ids(self.tokenizer(texts, truncation=True, max_length=self.max_tokens)["input_ids"])

    def encode_ids(self, ids, batch=256):
        torch = self.torch
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        vectors = np.empty((len(ids), self.model.config.hidden_size), np.float16)
        with torch.inference_mode():
            for start in range(0, len(order), batch):
                rows = order[start : start + batch]
                width = max(len(ids[i]) for i in rows)
                tokens = torch.zeros(len(rows), width, dtype=torch.long)
                mask = torch.zeros(len(rows), width)
                for row, i in enumerate(rows):
                    tokens[row, : len(ids[i])] = torch.tensor(ids[i])
                    mask[row, : len(ids[i])] = 1
                hidden = self.model(input_ids=tokens, attention_mask=mask.long()).last_hidden_state.float()
                mean = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
                vectors[rows] = torch.nn.functional.normalize(mean, dim=-1).numpy().astype(np.float16)
        return vectors


def teach(recipe, entries, cache, teacher_folder, worker=0, workers=1):
    """Of several processes, each with one thread, worker i takes every workers-th chunk: on a busy machine they get
    more done than the threads of one process, which wait for each other."""
    teacher = None
    for index in range(worker, recipe["chunks"], workers):
        texts = [text for entry in chunk_entries(recipe, entries, index) for text in entry]
        if not texts:
            return
        file = chunk_file(recipe, cache, index)
        if file.exists():
            continue
        teacher = teacher or Teacher(teacher_folder, recipe["maxTokens"])
        started, used = time.time(), time.process_time()
        vectors = teacher.encode(texts)
        partial = file.with_suffix(".partial")
        with open(partial, "wb") as out:
            np.save(out, vectors)
        os.replace(partial, file)
        print(f"chunk {index}: {len(texts)} texts, {time.time() - started:.0f} s, {time.process_time() - used:.0f} s of CPU", flush=True)


def token_vectors(recipe, cache, teacher_folder, ids):
    """The teacher's vector of each token alone, between [CLS] and [SEP]."""
    file = Path(cache) / f"tokens-{digest([int(i) for i in ids])[:12]}.npy"
    if not file.exists():
        teacher = Teacher(teacher_folder, recipe["maxTokens"])
        first, last = teacher.tokenizer.cls_token_id, teacher.tokenizer.sep_token_id
        np.save(file, teacher.encode_ids([[first, i, last] for i in ids]))
    return np.load(file)


def input_embeddings(teacher_folder, ids):
    from safetensors import safe_open

    with safe_open(Path(teacher_folder) / "model.safetensors", "np") as file:
        name = next(name for name in file.keys() if name.endswith("word_embeddings.weight"))
        return file.get_tensor(name)[ids]
