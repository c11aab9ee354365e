/** Event files of TensorBoard, read by an independent reader of their format; and the webhook. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { crc32c, TENSORBOARD_FOLDER, tensorboardListener } from "../../src/runs/tensorboard.ts";
import { webhookListener } from "../../src/runs/webhook.ts";
import { end, start, unexpected, update, withRuns } from "./happenings.ts";

Deno.test("crc32c() is that of RFC 3720", () => {
  assert.equal(crc32c(new TextEncoder().encode("123456789")), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa); // B.4
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
});

/** The fields of a message of protobuf, by number. */
function fields(bytes: Uint8Array): Map<number, (number | Uint8Array)[]> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const found = new Map<number, (number | Uint8Array)[]>();
  let at = 0;
  const varint = () => {
    let [value, shift] = [0, 1];
    for (;; shift *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    let value: number | Uint8Array;
    if ((key & 7) === 0) value = varint();
    else if ((key & 7) === 1) [value, at] = [view.getFloat64(at, true), at + 8];
    else if ((key & 7) === 5) [value, at] = [view.getFloat32(at, true), at + 4];
    else {
      const length = varint();
      [value, at] = [bytes.subarray(at, at + length), at + length];
    }
    found.set(key >> 3, [...found.get(key >> 3) ?? [], value]);
  }
  return found;
}

/** The events of a file of TFRecord, whose checksums are right. */
function events(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer);
  const unmask = (at: number) => {
    const rotated = (view.getUint32(at, true) - 0xa282ead8) >>> 0;
    return (rotated >>> 17 | rotated << 15) >>> 0;
  };
  const found = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(view.getBigUint64(at, true));
    const data = bytes.slice(at + 12, at + 12 + length);
    assert.equal(unmask(at + 8), crc32c(bytes.subarray(at, at + 8)));
    assert.equal(unmask(at + 12 + length), crc32c(data));
    found.push(fields(data));
    at += 16 + length;
  }
  return found;
}

const text = (bytes: unknown) => new TextDecoder().decode(bytes as Uint8Array);

Deno.test("TensorBoard finds the numbers of updates and of the end", () =>
  withRuns((folder) => {
    const out = join(folder, "mine");
    const listen = tensorboardListener(out);
    for (const event of [start(out), update(0, 5), update(300, 4.5), end(301, { eval_loss: 3 })]) {
      void listen(event);
    }
    const [file] = [...Deno.readDirSync(join(out, TENSORBOARD_FOLDER))];
    assert.match(file!.name, /^events\.out\.tfevents\.\d{10}\./);
    const [version, ...rest] = events(
      Deno.readFileSync(join(out, TENSORBOARD_FOLDER, file!.name)),
    );
    assert.equal(text(version!.get(3)![0]), "brain.Event:2");
    const scalars = rest.map((event) => {
      const values = fields(event.get(5)![0] as Uint8Array).get(1)!.map((value) => {
        const scalar = fields(value as Uint8Array);
        return [text(scalar.get(1)![0]), scalar.get(2)![0]] as const;
      });
      assert.ok(Math.abs(event.get(1)![0] as number - Date.now() / 1000) < 60);
      return [event.get(2)![0], Object.fromEntries(values)] as const;
    });
    assert.deepEqual(scalars.map(([step]) => step), [0, 300, 301]);
    assert.equal(scalars[1]![1]["loss"], 4.5);
    assert.equal(scalars[1]![1]["tokens_per_second"], 100);
    assert.deepEqual(scalars[2]![1], { eval_loss: 3 });
  }));

Deno.test("a webhook is told in order how a run goes, and no path", () =>
  withRuns(async (folder) => {
    const told: Record<string, unknown>[] = [];
    await using server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      async (request) => {
        told.push(await request.json());
        return new Response();
      },
    );
    const out = join(folder, "mine");
    const listen = webhookListener(`http://127.0.0.1:${server.addr.port}/x`, out, unexpected);
    const measure = { kind: "measure", step: 5, values: { eval_loss: 1.23456 } } as const;
    for (const event of [start(out), update(0), measure]) void listen(event);
    await listen(end(10, { eval_loss: 1 }));
    assert.deepEqual(told.map(({ event }) => event), ["start", "measure", "end"]);
    assert.equal(told[1]!["text"], "mine: after 5 updates eval_loss 1.235");
    assert.equal(told[1]!["content"], told[1]!["text"]);
    assert.deepEqual(told[2]!["values"], { eval_loss: 1 });
    assert.ok(!JSON.stringify(told).includes(folder));
  }));

Deno.test("a webhook that does not answer rightly costs one line and not the run", () =>
  withRuns(async (folder) => {
    const lines: string[] = [];
    await using server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      () => new Response("no", { status: 500 }),
    );
    const address = `http://127.0.0.1:${server.addr.port}/secret`;
    const listen = webhookListener(address, join(folder, "mine"), (line) => lines.push(line));
    void listen(start(join(folder, "mine")));
    await listen(end(1));
    assert.deepEqual(lines, [
      `webhook: 127.0.0.1:${server.addr.port} does not take what is told (status 500); the run goes on`,
    ]);
  }));
