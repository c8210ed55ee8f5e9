"""Which of the teacher's tokens pico keeps: all but those that hardly any English text contains."""

import json
import unicodedata
from pathlib import Path

# Of the letters that the tokenizer does not reduce to a to z, those that names in English texts contain.
LETTERS = "æðøþđłßœıªºʻʼ"
SCRIPTS = ("GREEK", "SUPERSCRIPT", "SUBSCRIPT", "VULGAR", "MICRO")


def is_kept(token):
    if token in ("[PAD]", "[UNK]"):
        return True
    bare = token.removeprefix("##")
    if bare.startswith("[") and len(bare) > 2:
        return False
    if bare != token and len(bare) == 1 and unicodedata.category(bare)[0] in "PS":
        return False  # The tokenizer makes a token of its own of every mark.
    for character in bare:
        kind = unicodedata.category(character)
        if character.isascii() or character in LETTERS or unicodedata.name(character, "").startswith(SCRIPTS):
            continue
        # Marks and symbols that English texts contain, but no letters of other scripts and no phonetic ones.
        if kind[0] not in "PS" or ord(character) >= 0x2E80 or "TIBETAN" in unicodedata.name(character):
            if not (kind[0] in "LM" and len(bare) > 1 and ord(character) < 0x180):
                return False
    return True


def kept_tokens(teacher_folder):
    """The kept tokens in the teacher's order, and the id of each there."""
    vocabulary = json.loads((Path(teacher_folder) / "tokenizer.json").read_text("utf8"))["model"]["vocab"]
    ordered = sorted(vocabulary, key=vocabulary.get)
    kept = [token for token in ordered if is_kept(token)]
    return kept, [vocabulary[token] for token in kept]


def tokenizer_json(teacher_folder, kept):
    """The teacher's tokenizer with the kept tokens only, without [CLS] and [SEP]."""
    definition = json.loads((Path(teacher_folder) / "tokenizer.json").read_text("utf8"))
    index = {token: i for i, token in enumerate(kept)}
    added = [{**t, "id": index[t["content"]]} for t in definition["added_tokens"] if t["content"] in index]
    return {
        **definition,
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "post_processor": None,
        "model": {**definition["model"], "vocab": index},
    }
