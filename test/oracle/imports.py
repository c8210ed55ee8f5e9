"""Writes Parquet and PDF files as other programs do: test/golden/import/."""

from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pypdf import PdfReader, PdfWriter

golden = Path(__file__).parent.parent / "golden" / "import"
golden.mkdir(parents=True, exist_ok=True)

table = pa.table(
    {
        "_id": [f"d{i}" for i in range(6)],
        "title": ["Volcanoes", None, "Bees", "", "Rivers", "Tides"],
        "text": [f"The text of passage {i}, with ünïcödé and 漢字." for i in range(6)],
        "number": pa.array(range(6), pa.int64()),
        "tags": [["a", "b"], [], ["c"], None, ["d"], ["e"]],
    }
)
for codec in ["none", "snappy", "gzip", "zstd", "brotli"]:
    pq.write_table(table, golden / f"corpus-{codec}.parquet", compression=codec, row_group_size=4)
pq.write_table(
    pa.table({"query-id": ["q1", "q1", "q2"], "corpus-id": ["d0", "d2", "d4"], "score": pa.array([1, 2, 1], pa.int64())}),
    golden / "qrels.parquet",
)


def pdf(pages, title):
    """The smallest file that pdf.js and pypdf read: one line of text below another."""
    objects = ["<</Type/Catalog/Pages 2 0 R>>", None, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>", f"<</Title({title})>>"]
    kids = []
    for lines in pages:
        body = "BT /F1 12 Tf 72 720 Td " + " 0 -14 Td ".join(f"({line}) Tj" for line in lines) + " ET"
        objects.append(f"<</Length {len(body)}>>\nstream\n{body}\nendstream")
        content = len(objects)
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>>>/Contents {content} 0 R>>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(kids)}>>"
    out = "%PDF-1.4\n"
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n" + "".join(f"{place:010} 00000 n \n" for place in places)
    out += f"trailer\n<</Size {len(objects) + 1}/Root 1 0 R/Info 4 0 R>>\nstartxref\n{start}\n%%EOF\n"
    return out.encode("latin-1")


pages = [
    ["The bridge was built in 1932 by en-", "gineers from three countries."],
    ["It carries eight lanes of traffic."],
]
plain = pdf(pages, "The bridge")
(golden / "bridge.pdf").write_bytes(plain)
(golden / "scanned.pdf").write_bytes(pdf([[""]], "Scan"))
writer = PdfWriter(clone_from=PdfReader(BytesIO(plain)))
writer.encrypt("secret", algorithm="RC4-128")
writer.write(golden / "encrypted.pdf")
