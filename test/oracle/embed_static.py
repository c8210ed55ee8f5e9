"""Vectors of texts by a static encoder: reads {folder, library, texts} from the first argument, prints JSON."""

from __future__ import annotations

import json
import os
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

request = json.loads(sys.argv[1])
if request["library"] == "model2vec":
    from model2vec import StaticModel

    model = StaticModel.from_pretrained(request["folder"])
else:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(request["folder"], device="cpu")
print(json.dumps(model.encode(request["texts"]).tolist()))
