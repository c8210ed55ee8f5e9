"""The student: a table with one row for each token, trained so that the cosines of a batch follow the teacher's."""

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

# One thread: the same sums in the same order on every machine.
torch.set_num_threads(1)


class Tokens:
    """Texts as token ids: one array, and where each text starts."""

    def __init__(self, tokenizer, texts, unknown, most=512):
        encoded = tokenizer.encode_batch([t[: most * 12] for t in texts], add_special_tokens=False)
        rows = [[i for i in e.ids if i != unknown][:most] or [unknown] for e in encoded]
        self.lengths = np.array([len(r) for r in rows])
        self.starts = np.concatenate([[0], np.cumsum(self.lengths)])
        self.ids = np.concatenate([np.asarray(r, np.int32) for r in rows])

    def batch(self, rows):
        ids = np.concatenate([self.ids[self.starts[r] : self.starts[r + 1]] for r in rows])
        starts = np.concatenate([[0], np.cumsum(self.lengths[rows])[:-1]])
        return torch.from_numpy(ids.astype(np.int64)), torch.from_numpy(starts)

    def frequencies(self, vocabulary):
        return np.bincount(self.ids, minlength=vocabulary)


def embed(table, tokens, rows=None, step=4096):
    rows = np.arange(len(tokens.lengths)) if rows is None else rows
    table, parts = torch.as_tensor(table), []
    with torch.no_grad():
        for start in range(0, len(rows), step):
            ids, starts = tokens.batch(rows[start : start + step])
            parts.append(F.normalize(F.embedding_bag(ids, table, starts, mode="sum"), dim=-1))
    return torch.cat(parts).numpy()


def features_of(token_vectors, input_embeddings):
    """What the teacher knows of each token: its vector of the token alone, and its input embedding, at one scale."""
    parts = []
    for part in (token_vectors, input_embeddings):
        part = part.astype(np.float64)
        part -= part.mean(0)
        parts.append(part / np.linalg.norm(part, axis=1).mean())
    return parts


def divergence(student, teacher, temperature, own):
    """Mean KL of each text's distribution over the others in the batch; `own` masks each text itself."""
    s = (student / temperature).masked_fill(own, -1e4).log_softmax(-1)
    t = (teacher / temperature).masked_fill(own, -1e4).log_softmax(-1)
    return (t.exp() * (t - s)).sum(-1).mean()


class Student(torch.nn.Module):
    """A token's row is its weight times (a projection of its features + a residual of its own). The projection is
    shared, so that tokens of few or no training texts move with the others."""

    def __init__(self, features, frequencies, dims, smoothing):
        super().__init__()
        own, embeddings = features
        _, axes = np.linalg.eigh(own.T @ own)
        start = np.concatenate([axes[:, ::-1][:, :dims], np.zeros((embeddings.shape[1], dims))])
        share = (frequencies + 1) / (frequencies.sum() + len(frequencies))
        tensor = lambda array: torch.from_numpy(np.ascontiguousarray(array, np.float32))
        self.features = tensor(np.concatenate([own, embeddings], 1))
        self.projection = torch.nn.Parameter(tensor(start))
        self.bias = torch.nn.Parameter(torch.zeros(dims))
        # Smooth inverse frequency (Arora et al. 2017).
        self.weights = torch.nn.Parameter(tensor(np.log(smoothing / (smoothing + share))[:, None]))
        self.residuals = torch.nn.Parameter(torch.zeros(len(self.features), dims))

    def rows(self, ids):
        weights = F.embedding(ids, self.weights, sparse=True).exp()
        residuals = F.embedding(ids, self.residuals, sparse=True)
        return weights * (self.features[ids] @ self.projection + self.bias + residuals)

    def table(self):
        with torch.no_grad():
            return self.rows(torch.arange(len(self.features))).numpy()


def distill(student, tokens, vectors, entries, config, seed, log=print):
    """`entries`: arrays of the rows of `tokens` that belong together."""
    rng = np.random.default_rng(seed)
    rates = config["learningRates"]
    optimizers = [
        (rates["projection"], torch.optim.Adam([student.projection, student.bias])),
        (rates["weights"], torch.optim.SparseAdam([student.weights])),
        (rates["residuals"], torch.optim.SparseAdam([student.residuals])),
    ]
    size, temperature = config["batchSize"], config["temperature"]
    per_epoch = sum(map(len, entries)) // size
    total = per_epoch * config["epochs"]
    warm = max(1, int(total * config["warmupShare"]))
    teacher = torch.from_numpy(vectors)
    own = torch.eye(size, dtype=torch.bool)
    step = 0
    for epoch in range(config["epochs"]):
        rows = np.concatenate([entries[i] for i in rng.permutation(len(entries))])
        losses = []
        for at in range(per_epoch):
            picked = rows[at * size : (at + 1) * size]
            scale = min((step + 1) / warm, (total - step) / max(1, total - warm))
            for rate, optimizer in optimizers:
                optimizer.param_groups[0]["lr"] = rate * scale
                optimizer.zero_grad()
            ids, starts = tokens.batch(picked)
            distinct, positions = torch.unique(ids, return_inverse=True)
            v = F.normalize(F.embedding_bag(positions, student.rows(distinct), starts, mode="sum"), dim=-1)
            t = teacher[torch.from_numpy(picked)].float()
            loss = divergence(v @ v.T, t @ t.T, temperature, own)
            loss.backward()
            for _, optimizer in optimizers:
                optimizer.step()
            losses.append(loss.item())
            step += 1
        log(f"epoch {epoch + 1}: KL {np.mean(losses):.4f}", flush=True)
    return student.table()
