"""Writes test/golden/parquet/: the same rows as Parquet by pyarrow and as JSON lines by Python's datasets.

    python test/golden/make_parquet.py      # pyarrow 26.0.1, datasets 5.2.0

Two row groups, whole numbers beyond 2^53, fractions that are whole, nulls, lists of structs as chats have them,
columns with a dictionary and without, pages of both versions.
"""

import datasets
import pyarrow
import pyarrow.parquet as parquet

FOLDER = "test/golden/parquet"


def row(i):
    turns = [("user", f"What is {i} ä☃?"), ("assistant", None if i == 3 else f"It is {i}.")]
    return {
        "id": 2**53 + i if i % 2 else i,
        "instruction": f"Question {i % 3} ä☃",
        "output": ["red", "blue", "green"][i % 3],
        "score": i / 4,
        "rank": i,
        "ok": i % 2 == 0,
        "messages": [
            {"role": role, "content": text, "scores": [float(i), 0.5], "tags": ["a", "b"][: i % 3]}
            for role, text in turns
        ],
        "empty": [] if i % 2 else None,
    }


table = pyarrow.Table.from_pylist([row(i) for i in range(14)])
ranks = table.column("rank").cast(pyarrow.int32())
table = table.set_column(table.schema.get_field_index("rank"), "rank", ranks)
datasets.Dataset(table).to_json(f"{FOLDER}/rows.jsonl", force_ascii=False)
for name, options in {
    "snappy": {"compression": "snappy"},
    "zstd": {"compression": "zstd", "data_page_version": "2.0", "use_dictionary": False},
    "gzip": {"compression": "gzip", "use_dictionary": False},
    "brotli": {"compression": "brotli"},
    "plain": {"compression": "none", "column_encoding": {"id": "DELTA_BINARY_PACKED"}, "use_dictionary": False},
    "lz4": {"compression": "lz4"},
}.items():
    parquet.write_table(table, f"{FOLDER}/{name}.parquet", row_group_size=8, **options)
