"""The texts that pico learns from: general English that package registries carry, cut into short entries.

An entry is a list of texts about one thing: the words of a WordNet synset, its definition and its examples; the name
and the definition of a disease; a passage of a speech and a clause of that passage. Entries stay together in a batch,
so that each batch contains pairs of a short text and a longer one with the same subject.
"""

import hashlib
import json
import random
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path


def fetch(source, folder):
    """The archive of a source, downloaded with the registry's own client unless it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = source["package"].lstrip("@").replace("/", "-")
    pattern = f"{re.sub('[-_]', '[-_]', stem)}-{source['version']}*"
    if not list(folder.glob(pattern)):
        spec = (source["package"], source["version"])
        if source["registry"] == "npm":
            subprocess.run(["npm", "pack", "--silent", "@".join(spec)], cwd=folder, check=True)
        else:
            pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
            subprocess.run([*pip, "==".join(spec)], cwd=folder, check=True)
    return next(folder.glob(pattern))


def tar_files(archive):
    with tarfile.open(archive) as tar:
        for member in sorted(tar.getmembers(), key=lambda m: m.name):
            if member.isfile():
                yield member.name, tar.extractfile(member).read()


def sentences(text):
    text = re.sub(r"\s+", " ", text).strip()
    return [s for s in re.split(r"(?<=[.!?])[\"'”)]*\s+(?=[\"'“(]?[A-Z0-9])", text) if s]


STOP = set(
    "a about after all also an and any are as at be because been before being both but by can could did do does each for "
    "from had has have he her here him his how i if in into is it its may me more most must my no nor not now of on one only "
    "or other our out over own said shall she should so some such than that the their them then there these they this those "
    "through to too under unto up upon us very was we were what when where which while who whom whose why will with would ye "
    "you your".split()
)


def short_of(text, rng):
    """What a reader might type to find the text: a clause of it, or some of its words."""
    if rng.random() < 0.5:
        clauses = [c.strip() for c in re.split(r"[,;:.!?()“”\"]|--", text)]
        clauses = [c for c in clauses if 4 <= len(c.split()) <= 12]
        if clauses:
            return rng.choice(clauses)
    words = [w for w in re.findall(r"[A-Za-z][A-Za-z'-]+", text) if w.lower() not in STOP and len(w) > 3]
    if len(words) < 3:
        return None
    start = rng.randrange(max(1, len(words) - 8))
    near = words[start : start + 9]
    picked = sorted(rng.sample(range(len(near)), min(len(near), rng.randint(2, 5))))
    return " ".join(near[i] for i in picked).lower()


def passages(paragraphs, rng):
    """Runs of one to five sentences, of 40 to 700 characters, each with a short text that belongs to it."""
    for paragraph in paragraphs:
        parts = sentences(paragraph)
        while parts:
            count = rng.randint(1, 5)
            text, parts = " ".join(parts[:count]), parts[count:]
            if 40 <= len(text) <= 700:
                short = short_of(text, rng)
                yield [short, text] if short else [text]


def wordnet(archive, rng):
    entries = {}
    for name, data in tar_files(archive):
        if not re.search(r"/dict/data\.\w+$", name):
            continue
        for line in data.decode("utf8").splitlines():
            if line.startswith("  ") or "|" not in line:
                continue
            head, gloss = line.split("|", 1)
            fields = head.split()
            count = int(fields[3], 16)
            words = [re.sub(r"\(\w+\)$", "", fields[4 + 2 * i]).replace("_", " ") for i in range(count)]
            quoted = re.findall(r'"([^"]{12,})"', gloss)
            definition = re.sub(r"\s+", " ", re.sub(r'[;:]?\s*"[^"]*"?', "", gloss)).strip(" ;")
            texts = [", ".join(words[:3])]
            if definition:
                texts.append(f"{words[0]}: {definition}" if rng.random() < 0.5 else definition)
            texts += [q.strip() for q in quoted[:3]]
            entries[f"{name}{fields[0]}"] = texts
    return list(entries.values())


ONTOLOGIES = {  # newest version in the package; entries at most
    "MONDO-ontology-v2026-05-05": None,
    "CL-ontology-v2026-03-26": None,
    "UBERON-ontology-v2026-04-01": None,
    "EFO-ontology-v3.90.0": None,
    "CHEBI-ontology-2026-05-01": 6000,
}


def ontologies(archive, rng):
    entries = {}
    with zipfile.ZipFile(archive) as wheel:
        for name, most in ONTOLOGIES.items():
            packed = wheel.read(f"cellxgene_ontology_guide/data/{name}.json.zst")
            terms = json.loads(subprocess.run(["zstd", "-dc"], input=packed, capture_output=True, check=True).stdout)
            found = []
            for term in terms.values():
                label, description = term.get("label") or "", term.get("description") or ""
                if term.get("deprecated") or not label or len(description) < 30:
                    continue
                cut = ""
                for sentence in sentences(description)[:3]:
                    if cut and len(cut) + len(sentence) > 400:
                        break
                    cut = f"{cut} {sentence}".strip()
                found.append([label, cut[:600]])
            if most:
                found = rng.sample(found, min(most, len(found)))
            for label, cut in found:
                entries.setdefault(label.lower(), [label, cut])
    return list(entries.values())


def factbook(archive, rng):
    entries = []
    for name, data in tar_files(archive):
        if not re.search(r"package/[\w-]+/\w\w\.json$", name) or "/meta/" in name:
            continue
        profile = json.loads(data)
        try:
            names = profile["Government"]["Country name"]
            country = names.get("conventional short form", names.get("conventional long form"))["text"]
        except (KeyError, TypeError):
            continue
        if not country or country == "none":
            country = names.get("conventional long form", {}).get("text") or ""

        def walk(node, title):
            text = node.get("text")
            if isinstance(text, str) and len(text) > 70:
                parts = sentences(text)
                run = rng.randint(1, 5)
                for i in range(0, min(len(parts), 10), run):
                    passage = " ".join(parts[i : i + run])[:600]
                    if len(passage) > 60:
                        entries.append([f"{country} {title.lower()}", f"{country}: {passage}"])
            for key, value in node.items():
                if isinstance(value, dict):
                    walk(value, key)

        for section in profile.values():
            if isinstance(section, dict):
                walk(section, "")
    return entries


def speeches(archive, rng):
    entries = []
    for name, data in tar_files(archive):
        if re.search(r"/data/\d{4}_\w+\.txt$", name):
            entries += passages(re.split(r"\n\s*\n|\n", data.decode("utf8")), rng)
    return entries


def books(archive, rng):
    entries = []
    for name, data in tar_files(archive):
        # Verse and drama are left out: their lines are not sentences.
        if not name.endswith(".txt") or re.search("shakespeare|milton|blake|whitman", name):
            continue
        text = data.decode("latin1").replace("\r", "")
        if "bible" in name:
            text = re.sub(r"\d+:\d+ ", "", text)
        entries += passages(re.split(r"\n\s*\n", text), rng)
    return entries


PARSERS = {f.__name__: f for f in (wordnet, ontologies, factbook, speeches, books)}


def entries_of(recipe, folder):
    """Source to its entries, in a random order that depends on the seed alone."""
    result = {}
    for source in recipe["sources"]:
        rng = random.Random(f"{recipe['seed']} {source['name']}")
        entries = PARSERS[source["name"]](fetch(source, folder), rng)
        rng.shuffle(entries)
        result[source["name"]] = entries
    return result


def digest(entries):
    return hashlib.sha256(json.dumps(entries, ensure_ascii=False).encode("utf8")).hexdigest()
