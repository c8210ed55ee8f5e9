"""Golden values of the losses and of a batch's gradients: test/golden/losses.json.

Computed with PyTorch's autograd in float64 and stored as such.
"""

from __future__ import annotations

from common import GOLDEN, generator, versions, write_json

import numpy
import scipy.linalg
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)

def infonce(row, temperature=0.05, hardness=0.0):
    """row: scores, positive and the columns that take part."""
    scores, positive, kept = row["scores"], row["positive"], row["kept"]
    extra = hardness * scores.detach()
    extra[positive] = 0
    logits = (scores / temperature + extra)[kept]
    return F.cross_entropy(logits[None], torch.tensor([kept.index(positive)]))


def kl(row, temperature=0.05, teacher_temperature=0.3):
    student = F.log_softmax(row["scores"][row["kept"]] / temperature, dim=0)
    teacher = F.softmax(row["teacher"][row["kept"]] / teacher_temperature, dim=0)
    return F.kl_div(student, teacher, reduction="sum")


def margin_mse(row):
    scores, teacher, positive = row["scores"], row["teacher"], row["positive"]
    negatives = [column for column in row["kept"] if column != positive]
    return F.mse_loss(scores[positive] - scores[negatives], teacher[positive] - teacher[negatives])


def triplet(row, margin=0.2):
    scores, positive = row["scores"], row["positive"]
    negatives = [column for column in row["kept"] if column != positive]
    target = torch.ones(len(negatives))
    return F.margin_ranking_loss(scores[positive].expand(len(negatives)), scores[negatives], target, margin=margin)


def listnet(row, temperature=0.05):
    target = F.softmax(row["labels"][row["kept"]], dim=0)
    return F.cross_entropy(row["scores"][row["kept"]][None] / temperature, target[None])


def ws2(scores, labels, mask, temperature):
    """Per query. The trace of the root comes from a symmetric eigenvalue problem, not from singular values."""
    predicted = F.softmax((scores / temperature).masked_fill(~mask, -torch.inf), dim=1)
    target = F.softmax(labels.masked_fill(~mask, -torch.inf), dim=1)
    a = (predicted - predicted.mean(0)) / (len(scores) - 1) ** 0.5
    b = (target - target.mean(0)) / (len(scores) - 1) ** 0.5
    cross = a @ b.T
    root = (torch.linalg.eigvalsh(cross @ cross.T).clamp(min=0) + 1e-20).sqrt().sum()
    means = ((predicted.mean(0) - target.mean(0)) ** 2).sum()
    value = means + (a**2).sum() + (b**2).sum() - 2 * root
    # The same by the definition, with the covariances and the root of their product.
    covariances = [torch.cov(p.T).detach().numpy() for p in (predicted, target)]
    traces = sum(numpy.trace(covariance) for covariance in covariances)
    literal = means.item() + traces - 2 * numpy.trace(scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real)
    assert abs(literal - value.item()) < 1e-6, (literal, value.item())
    return value


def block_cases():
    source = generator(11)
    rows, columns = 4, 6
    scores = torch.rand(rows, columns, generator=source) * 2 - 1
    teacher = torch.rand(rows, columns, generator=source)
    labels = torch.randint(0, 4, (rows, columns), generator=source).double()
    mask = torch.rand(rows, columns, generator=source) > 0.2
    positive = torch.randint(0, columns, (rows,), generator=source)
    mask[torch.arange(rows), positive] = True

    def rowwise(loss, **settings):
        def total(leaf):
            return sum(
                loss(
                    {
                        "scores": leaf[row],
                        "teacher": teacher[row],
                        "labels": labels[row],
                        "positive": int(positive[row]),
                        "kept": mask[row].nonzero()[:, 0].tolist(),
                    },
                    **settings,
                )
                for row in range(rows)
            )

        return total

    cases = [
        ("infonce", {}, rowwise(infonce)),
        ("infonce", {"temperature": 0.5, "hardness": 3}, rowwise(infonce, temperature=0.5, hardness=3)),
        ("kl", {}, rowwise(kl)),
        ("kl", {"temperature": 0.5, "teacherTemperature": 1}, rowwise(kl, temperature=0.5, teacher_temperature=1)),
        ("margin-mse", {}, rowwise(margin_mse)),
        ("triplet", {"margin": 0.3}, rowwise(triplet, margin=0.3)),
        ("listnet", {}, rowwise(listnet)),
        ("ws2", {"temperature": 0.05}, lambda leaf: rows * ws2(leaf, labels, mask, 0.05)),
        ("ws2", {"temperature": 1}, lambda leaf: rows * ws2(leaf, labels, mask, 1.0)),
    ]
    results = []
    for name, settings, compute in cases:
        leaf = scores.clone().requires_grad_()
        value = compute(leaf)
        value.backward()
        results.append(
            {"loss": name, "settings": settings, "value": value.item(), "gradient": leaf.grad.flatten().tolist()}
        )
    return {
        "rows": rows,
        "columns": columns,
        "scores": scores.flatten().tolist(),
        "teacher": teacher.flatten().tolist(),
        "labels": labels.flatten().tolist(),
        "mask": mask.flatten().int().tolist(),
        "positive": positive.tolist(),
        "cases": results,
    }


# A batch of three lists; document 0 is the first query's positive and stands in the others' lists too.
OFFSETS = [0, 4, 7, 9]
POSITIVE = [0, 5, 7]
DOCUMENTS = [0, 1, 2, 3, 0, 4, 1, 5, 0]
POSITIVE_DOCUMENTS = [[0], [4], [5, 2]]
TEACHER = [0.9, 0.7, 0.2, 0.5, 0.1, 0.8, 0.6, 1.0, 0.3]
LABELS = [3, 2, 1, 0, 0, 3, 1, 2, 0]


def kept_passages(query, scope, share):
    """Paper C's mask, in so many words."""
    own = range(OFFSETS[query], OFFSETS[query + 1])
    others = range(len(DOCUMENTS)) if scope == "batch" else [*own, *POSITIVE]
    positive = POSITIVE[query]
    likely = {DOCUMENTS[p] for p in own if share is not None and TEACHER[p] > share * TEACHER[positive]}
    removed = likely | set(POSITIVE_DOCUMENTS[query]) | {DOCUMENTS[positive]}
    return sorted({p for p in others if p == positive or DOCUMENTS[p] not in removed})


def distinct_passages(query):
    """Each document once: the copy in the query's own list where there is one, else the first."""
    own = range(OFFSETS[query], OFFSETS[query + 1])
    copies = {}
    for passage, document in enumerate(DOCUMENTS):
        if document not in copies or passage in own:
            copies[document] = passage
    return sorted(copies.values())


def batch_cases():
    source = generator(5)
    dimension = 5
    queries = torch.randn(3, dimension, generator=source)
    passages = torch.randn(9, dimension, generator=source)
    teacher, labels = torch.tensor(TEACHER), torch.tensor(LABELS).double()
    teaching = generator(6)
    teacher_queries = F.normalize(torch.randn(3, 4, generator=teaching), dim=1).float()
    of_documents = F.normalize(torch.randn(max(DOCUMENTS) + 1, 4, generator=teaching), dim=1).float()
    teacher_passages = of_documents[DOCUMENTS]
    teacher_scores = teacher_queries.double() @ teacher_passages.double().T

    def listwise_batch(scores, query, **temperatures):
        row = {"scores": scores[query], "teacher": teacher_scores[query], "kept": distinct_passages(query)}
        return kl(row, **temperatures)

    def contrastive(scores, query, scope, temperature, share=None):
        row = {"scores": scores[query], "positive": POSITIVE[query], "kept": kept_passages(query, scope, share)}
        return infonce(row, temperature)

    def listwise(scores, query):
        own = list(range(OFFSETS[query], OFFSETS[query + 1]))
        return kl({"scores": scores[query], "teacher": teacher, "kept": own})

    def in_batch_labels():
        block = torch.zeros(3, 9)
        for query in range(3):
            block[query, OFFSETS[query] : OFFSETS[query + 1]] = labels[OFFSETS[query] : OFFSETS[query + 1]]
        return block

    def graded_mask():
        own = torch.zeros(3, 9, dtype=torch.bool)
        for query in range(3):
            own[query, OFFSETS[query] : OFFSETS[query + 1]] = True
        known = torch.tensor([[document in POSITIVE_DOCUMENTS[query] for document in DOCUMENTS] for query in range(3)])
        return own | ~known

    def cosine(q, p):
        return F.normalize(q, dim=1) @ F.normalize(p, dim=1).T

    def dot(q, p):
        return q @ p.T

    cases = [
        (
            "kl + 0.1*infonce(temperature=0.1, scope=batch, mask=0.6)",
            "cosine",
            lambda s: sum(listwise(s, i) + 0.1 * contrastive(s, i, "batch", 0.1, 0.6) for i in range(3)) / 3,
        ),
        (
            "kl(scope=batch)",
            "dot",
            lambda s: sum(listwise_batch(s, i) for i in range(3)) / 3,
        ),
        (
            "kl(scope=batch, temperature=0.1, teacherTemperature=0.05) + 0.1*infonce(temperature=0.1, mask=0.6)",
            "cosine",
            lambda s: sum(
                listwise_batch(s, i, temperature=0.1, teacher_temperature=0.05)
                + 0.1 * contrastive(s, i, "batch", 0.1, 0.6)
                for i in range(3)
            )
            / 3,
        ),
        (
            "infonce(temperature=1, scope=in-batch)",
            "dot",
            lambda s: sum(contrastive(s, i, "in-batch", 1.0) for i in range(3)) / 3,
        ),
        (
            "0.5*infonce(temperature=0.2, scope=in-batch, mask=0.6) + ws2",
            "cosine",
            lambda s: 0.5 * sum(contrastive(s, i, "in-batch", 0.2, 0.6) for i in range(3)) / 3
            + ws2(s, in_batch_labels(), graded_mask(), 1.0),
        ),
    ]
    results = []
    for spec, similarity, compute in cases:
        q, p = queries.clone().requires_grad_(), passages.clone().requires_grad_()
        value = compute(cosine(q, p) if similarity == "cosine" else dot(q, p))
        value.backward()
        results.append(
            {
                "spec": spec,
                "similarity": similarity,
                "value": value.item(),
                "queryGradient": q.grad.flatten().tolist(),
                "passageGradient": p.grad.flatten().tolist(),
            }
        )
    return {
        "dimension": dimension,
        "queries": queries.flatten().tolist(),
        "passages": passages.flatten().tolist(),
        "offsets": OFFSETS,
        "positive": POSITIVE,
        "documents": DOCUMENTS,
        "positiveDocuments": POSITIVE_DOCUMENTS,
        "labels": LABELS,
        "teacher": TEACHER,
        "teacherQueries": teacher_queries.flatten().tolist(),
        "teacherPassages": teacher_passages.flatten().tolist(),
        "cases": results,
    }


write_json(GOLDEN / "losses.json", {"versions": versions(), "block": block_cases(), "batch": batch_cases()})
