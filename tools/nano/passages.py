"""Longer texts than pico's entries: what nano also learns from, so that it knows passages.

Running text (speeches, books, country profiles) is cut at sentences into passages of about 25 to 200 words. The
dictionaries have no running text, so passages are put together from them: a synset of WordNet with the synsets below
it, and ontology terms that have the same last word.
"""

import random
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "pico"))

import texts as pico  # noqa: E402

WORDS = (25, 200)


def target(rng):
    return rng.randint(*WORDS)


def cut(paragraphs, rng):
    """Passages of whole sentences. Paragraphs are joined until a passage is as long as it was meant to be."""
    passage, wanted = [], target(rng)
    for paragraph in paragraphs:
        for sentence in pico.sentences(paragraph):
            words = sentence.split()
            if len(words) > 100:
                continue
            if passage and len(passage) + len(words) > wanted:
                yield " ".join(passage)
                passage, wanted = [], target(rng)
            passage += words
    if len(passage) >= WORDS[0]:
        yield " ".join(passage)


def speeches(archive, rng):
    for name, data in pico.tar_files(archive):
        if re.search(r"/data/\d{4}_\w+\.txt$", name):
            yield from cut(re.split(r"\n\s*\n|\n", data.decode("utf8")), rng)


def books(archive, rng):
    for name, data in pico.tar_files(archive):
        if not name.endswith(".txt") or re.search("shakespeare|milton|blake|whitman", name):
            continue
        text = data.decode("latin1").replace("\r", "")
        if "bible" in name:
            text = re.sub(r"\d+:\d+ ", "", text)
        yield from cut(re.split(r"\n\s*\n", text), rng)


def factbook(archive, rng):
    """Runs of the short texts of a country, each cut where another country begins."""
    by_country = {}
    for title, text in pico.factbook(archive, rng):
        country, passage = text.split(": ", 1)
        by_country.setdefault(country, []).append(f"{title}: {passage}")
    for country in by_country.values():
        yield from cut(country, rng)


def joined(parts, rng):
    """Some of the parts, in their order, as one text of about the wanted length."""
    wanted, chosen = target(rng), []
    for part in parts:
        words = part.split()
        if chosen and len(chosen) + len(words) > wanted:
            break
        chosen += words
    return " ".join(chosen)


def wordnet(archive, rng):
    synsets, children = {}, {}
    for name, data in pico.tar_files(archive):
        kind = re.search(r"/dict/data\.(noun|verb)$", name)
        if not kind:
            continue
        for line in data.decode("utf8").splitlines():
            if line.startswith("  ") or "|" not in line:
                continue
            head, gloss = line.split("|", 1)
            fields = head.split()
            key, count = kind[1] + fields[0], int(fields[3], 16)
            word = fields[4].replace("_", " ")
            text = re.sub(r"\s+", " ", gloss).strip()
            synsets[key] = f"{word[0].upper()}{word[1:]}: {text}."
            pointers = fields[5 + 2 * count :]
            for at in range(0, int(fields[4 + 2 * count]) * 4, 4):
                if pointers[at] in ("@", "@i"):
                    children.setdefault(kind[1] + pointers[at + 1], []).append(key)
    for key, below in children.items():
        if key in synsets and len(below) >= 2:
            yield joined([synsets[key], *(synsets[k] for k in rng.sample(below, min(12, len(below))))], rng)


def ontologies(archive, rng):
    by_word = {}
    for label, description in pico.ontologies(archive, rng):
        by_word.setdefault(re.split(r"\W+", label.lower().rstrip(")"))[-1], []).append((label, description))
    for entries in by_word.values():
        rng.shuffle(entries)
        while len(entries) >= 2:
            count = rng.randint(2, 8)
            some, entries = entries[:count], entries[count:]
            start = rng.randint(0, 1)
            yield joined([f"{l}: {d}" if (i + start) % 2 else d for i, (l, d) in enumerate(some)], rng)


CUTS = {f.__name__: f for f in (wordnet, ontologies, factbook, speeches, books)}


def passages_of(source, most, archive, seed):
    """At most so many passages of a source, in a random order that depends on the seed alone."""
    rng = random.Random(f"{seed} passages {source}")
    found = [text for text in CUTS[source](archive, rng) if len(text.split()) >= WORDS[0]]
    rng.shuffle(found)
    return found[:most]
