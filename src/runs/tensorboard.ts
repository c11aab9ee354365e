/**
 * Event files of TensorBoard: the numbers of a run as scalars, `deno task train --log tensorboard`.
 *
 * A file is records of TFRecord (a length and its checksum, the bytes and theirs), each an `Event` of
 * protobuf (tensorflow/core/util/event.proto, lib/io/record_writer.h).
 *
 * @module
 */
import { join } from "node:path";
import { appendBytes } from "../io/files.ts";
import { makeFolder } from "../io/folders.ts";
import type { RunListener } from "./events.ts";

/** The folder in that of a run. */
export const TENSORBOARD_FOLDER = "tensorboard";

/** Writes the numbers of a run as they come; those that a resumed run makes again lie later. */
export function tensorboardListener(folder: string): RunListener {
  let path = "";
  const scalars = (step: number, values: Readonly<Record<string, number | undefined>>) => {
    const known = Object.entries(values).filter(([name, value]) =>
      name !== "step" && value !== undefined
    ) as [string, number][];
    appendBytes(path, record(scalarEvent(Date.now() / 1000, step, known)));
  };
  return (event) => {
    if (event.kind === "start") {
      path = newFile(join(folder, TENSORBOARD_FOLDER));
      appendBytes(path, record(versionEvent(Date.now() / 1000)));
    } else if (event.kind === "update") scalars(event.metrics.step, event.metrics);
    else if (event.kind === "end") scalars(event.result.step, event.result.measured);
  };
}

/** Named as TensorBoard finds it; a run that is resumed has one more. */
function newFile(folder: string): string {
  makeFolder(folder);
  const seconds = Math.floor(Date.now() / 1000);
  return join(folder, `events.out.tfevents.${seconds}.graft.${Deno.pid}`);
}

/** `Event { wall_time = 1, file_version = 3 }`, the first of a file. */
const versionEvent = (seconds: number): Uint8Array =>
  message([[1, double(seconds)], [3, text("brain.Event:2")]]);

/** `Event { wall_time = 1, step = 2, summary = 5 { value = 1 { tag = 1, simple_value = 2 } } }` */
export function scalarEvent(
  seconds: number,
  step: number,
  values: readonly (readonly [name: string, value: number])[],
): Uint8Array {
  const summary = message(
    values.map(([name, value]) => [1, message([[1, text(name)], [2, float(value)]])]),
  );
  return message([[1, double(seconds)], [2, step], [5, summary]]);
}

/** What a field holds: a whole number, or bytes of fixed size, or of any. */
type Field = number | { readonly fixed: Uint8Array } | Uint8Array;

/** A message of protobuf. */
function message(fields: readonly (readonly [number: number, value: Field])[]): Uint8Array {
  const bytes = fields.flatMap(([number, value]): number[] => {
    if (typeof value === "number") return [number << 3, ...varint(value)];
    if ("fixed" in value) return [number << 3 | (value.fixed.length === 8 ? 1 : 5), ...value.fixed];
    return [number << 3 | 2, ...varint(value.length), ...value];
  });
  return Uint8Array.from(bytes);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push(value % 128 | 128);
  return [...bytes, value];
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

const double = (value: number) => ({ fixed: new Uint8Array(Float64Array.of(value).buffer) });

const float = (value: number) => ({ fixed: new Uint8Array(Float32Array.of(value).buffer) });

/** A record of TFRecord. */
function record(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(data.length + 16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, masked(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, masked(data), true);
  return bytes;
}

/** The checksum as TFRecord keeps it. */
function masked(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return ((crc >>> 15 | crc << 17) + 0xa282ead8) >>> 0;
}

/** The polynomial of Castagnoli (RFC 3720, B.4), by its lowest bit first. */
const POLYNOMIAL = 0x82f63b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ POLYNOMIAL : crc >>> 1;
  return crc;
});

/** CRC-32C. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 0xff]! ^ crc >>> 8;
  return (crc ^ 0xffffffff) >>> 0;
}
