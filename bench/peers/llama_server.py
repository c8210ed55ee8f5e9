"""llama.cpp's own server, through pip: an OpenAI-compatible server to try `generate` against.

    pip install xllamacpp
    python bench/peers/llama_server.py MODEL.gguf [PORT]

It holds replies to a JSON schema and serves four requests at a time, until it is ended.
"""

import sys
import time

import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.n_ctx = 4 * 4096
params.n_parallel = 4
params.port = int(sys.argv[2]) if len(sys.argv) > 2 else 8080
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
while True:
    time.sleep(60)
