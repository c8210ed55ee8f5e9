"""Vectors of texts by sentence-transformers: reads {folder, queries, passages} from the first argument, prints JSON."""

from __future__ import annotations

import json
import os
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from sentence_transformers import SentenceTransformer

request = json.loads(sys.argv[1])
model = SentenceTransformer(request["folder"], device="cpu")
print(
    json.dumps(
        {
            "maxLength": model.max_seq_length,
            "similarity": model.similarity_fn_name,
            "queries": model.encode_query(request["queries"]).tolist(),
            "passages": model.encode_document(request["passages"]).tolist(),
        }
    )
)
