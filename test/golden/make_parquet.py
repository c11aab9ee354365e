"""Writes test/golden/parquet/ and arrow/: the same rows as Parquet and Arrow by pyarrow, and as JSON lines by
Python's datasets.

    python test/golden/make_parquet.py      # pyarrow 26.0.1, datasets 5.2.0

Two row groups, whole numbers beyond 2^53, fractions that are whole, nulls, lists of structs as chats have them,
columns with a dictionary and without, pages of both versions. Of Arrow streams and files, packed and not, and the
folder that `save_to_disk` of datasets writes, without its fingerprint.
"""

import json

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

ARROW = "test/golden/arrow"
columns = [table.column(name) for name in table.column_names]
words = table.set_column(1, "instruction", columns[1].dictionary_encode())
for name, new, rows, options in [
    ("stream", pyarrow.ipc.new_stream, table, {}),
    ("file", pyarrow.ipc.new_file, words, {}),
    ("zstd", pyarrow.ipc.new_stream, table, {"compression": "zstd"}),
    ("lz4", pyarrow.ipc.new_stream, table, {"compression": "lz4"}),
]:
    with new(f"{ARROW}/{name}.arrow", rows.schema, options=pyarrow.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(rows, max_chunksize=8)

datasets.Dataset(table).save_to_disk(f"{ARROW}/saved", num_shards=2)
state = json.load(open(f"{ARROW}/saved/state.json"))
json.dump(state | {"_fingerprint": ""}, open(f"{ARROW}/saved/state.json", "w"), indent=2)
