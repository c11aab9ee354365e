import assert from "node:assert/strict";
import {
  countSupervised,
  type Document,
  documentText,
  encode,
  ExampleStore,
} from "../../src/data/mod.ts";
import { ConfigError, FileError } from "../../src/errors.ts";
import { parseBudget } from "../../src/forgetting/budget.ts";
import { RetentionRows } from "../../src/forgetting/text/rows.ts";
import {
  type Blocks,
  describeDomain,
  type Domain,
  readRetention,
  type RetentionOptions,
  splitRetention,
} from "../../src/forgetting/text/retention.ts";
import { documentHash, documentSketch, NOTHING_SEEN } from "../../src/objectives/documents.ts";
import { random } from "../../src/random.ts";

/** A tokenizer of words, each with an id of its own. */
const ids = new Map<string, number>();
const tokenizer = {
  encode: (text: string) =>
    text.split(" ").map((word) => ids.getOrInsertComputed(word, () => 2 + ids.size)),
  bos: 1,
  eos: null,
};

/** A document of 30 words of its own. */
function documentOf(seed: number): Document {
  const text = Array.from({ length: 30 }, (_, i) => `w${Math.floor(random(seed, i) * 5000)}`);
  return textDocument(text.join(" "));
}

function textDocument(text: string): Document {
  return { kind: "spans", spans: [{ text, supervised: true, eos: false }], origin: "toy" };
}

const documents = (count: number, seed = 0) =>
  Array.from({ length: count }, (_, i) => documentOf(seed + i));

function domainsOf(options: Partial<RetentionOptions> = {}): Domain[] {
  return splitRetention(tokenizer, {
    documents: new Map([["text.txt", documents(48)]]),
    budgets: parseBudget("ppl:2%"),
    held: { control: 64, certificate: 256, probe: 32 },
    seed: 1,
    trainTokens: 16,
    maxTokens: 64,
    ...{ vocabSize: Infinity, seen: NOTHING_SEEN },
    task: [],
    ...options,
  });
}

const hashOf = (document: Document) => documentHash(encode(document, tokenizer), tokenizer);

const PARTS = ["train", "control", "certificate", "probe"] as const;
const key = ([block]: Blocks) => block!.ids.slice(0, 16).join(" ");

Deno.test("splitRetention() gives four parts that share no document", () => {
  const [domain] = domainsOf();
  assert.deepEqual(PARTS.map((part) => domain![part].length), [20, 8, 16, 4]);
  const all = PARTS.flatMap((part) => domain![part].map(key));
  assert.equal(new Set(all).size, 48);
  for (const blocks of domain!.train) {
    assert.ok(blocks.length > 1 && blocks.every(({ ids }) => ids.length <= 16), "guard rows");
    const learnt = blocks.reduce((sum, block) => sum + countSupervised(block), 0);
    assert.equal(learnt, 30, "every token of a document is predicted once");
  }
  assert.ok(domain!.probe.every(([block]) => block!.ids.length === 31));
  const certificates = [1, 2, 3].map((seed) => domainsOf({ seed })[0]!.certificate.map(key).join());
  assert.equal(new Set(certificates).size, 3, "another seed, another split");
  assert.deepEqual(domainsOf()[0]!.certificate, domain!.certificate);
});

Deno.test("splitRetention() leaves out what repeats other documents or the task", () => {
  const all = documents(48);
  const nearly = textDocument(documentText(all[3]!).replace(/ w\d+$/, " end"));
  const task = [encode(all[7]!, tokenizer), encode(all[8]!, tokenizer)];
  using store = new ExampleStore();
  const texts = new Map([["text.txt", [...all, nearly, all[5]!]]]);
  const [domain] = domainsOf({ documents: texts, task });
  const kept = task.map((example) => store.keep(example));
  assert.deepEqual(domainsOf({ documents: texts, task: kept }), [domain], "from the disk");
  assert.deepEqual([domain!.repeated, domain!.inTask], [2, 2]);
  const left = PARTS.flatMap((part) => domain![part].map(key));
  assert.equal(left.length, 46);
  assert.equal(new Set(left).size, 46);
  assert.ok(!left.includes(key([task[0]!])));
});

Deno.test("splitRetention() holds back nothing that nearly repeats what the adapter was trained on", () => {
  const all = documents(48);
  const sketches = [3, 7].map((i) => documentSketch(encode(all[i]!, tokenizer), tokenizer));
  const changed = (i: number) => textDocument(documentText(all[i]!).replace(/ w\d+$/, " end"));
  const texts = all.map((document, i) => i === 3 ? changed(3) : document);
  const files = new Map([["text.txt", texts]]);
  const hashes = { ...NOTHING_SEEN.hashes, train: [hashOf(all[7]!)] };
  const seen = { ...NOTHING_SEEN, hashes, sketches };
  for (const seed of [1, 2, 3]) {
    const [domain] = domainsOf({ documents: files, seen, seed, trainTokens: null });
    assert.deepEqual([domain!.trained, domain!.nearlyTrained], [1, 1]);
    const used = PARTS.flatMap((part) => domain!.hashes[part]);
    assert.ok(used.length >= 44, "of 46 that are not related");
    assert.ok(!used.includes(hashOf(texts[3]!)) && !used.includes(hashOf(texts[7]!)));
    assert.match(
      describeDomain(domain!),
      /, left out: 1 were trained on, 1 nearly repeat what was trained on$/,
    );
    const [training] = domainsOf({ documents: files, seen, seed });
    assert.ok(training!.hashes.train.includes(hashOf(texts[3]!)), "it may be trained on again");
    assert.equal(training!.sketches.length, training!.train.length);
  }
  const without = domainsOf({
    documents: files,
    seen: { ...seen, sketches: [] },
    trainTokens: null,
  });
  assert.deepEqual([without[0]!.trained, without[0]!.nearlyTrained], [1, 0]);
});

Deno.test("splitRetention() has a slice for each budget", () => {
  const files = new Map([["a/stories.txt", documents(30)], ["code.jsonl.gz", documents(30, 100)]]);
  const budgets = parseBudget("ppl[stories]:1%,kl[code]:0.05");
  const domains = domainsOf({ documents: files, budgets });
  assert.deepEqual(domains.map(({ name, budget }) => [name, budget.metric]), [
    ["stories", "ppl"],
    ["code", "kl"],
  ]);
  const [whole] = domainsOf({ documents: files });
  assert.equal(PARTS.flatMap((part) => whole![part]).length, 60, "one budget holds for all text");
  const wrong = (text: string) => () => domainsOf({ documents: files, budgets: parseBudget(text) });
  assert.throws(
    wrong("ppl[stories]:1%"),
    new ConfigError('code.jsonl.gz: found no budget for "code", wanted one beside stories'),
  );
  assert.throws(wrong("ppl[stories]:1%,ppl[code]:1%,ppl[poems]:1%"), /budget for "poems", wanted/);
});

Deno.test("splitRetention() refuses text of which no four parts can be made", () => {
  for (const count of [1, 23]) {
    const few = new Map([["text.txt", [...documents(count), documentOf(0)]]]);
    assert.throws(
      () => domainsOf({ documents: few }),
      new FileError(
        `Retention text all: found ${count} documents (1 more repeat others), wanted at least 24, ` +
          "so that each of train, control, certificate, probe has 2",
      ),
    );
  }
});

Deno.test("a document that the base wrote is known again wherever it was cut", () => {
  const cut = (most: number) =>
    Array.from({ length: 48 }, (_, seed): Document => {
      const ids = Array.from({ length: 60 }, (_, i) => Math.floor(random(seed, i) * 5000));
      return {
        kind: "tokens",
        ids: ids.slice(0, most),
        labels: ids.slice(0, most),
        origin: "base",
      };
    });
  const [short, long] = [50, 60].map((most) =>
    domainsOf({ documents: new Map([["samples", cut(most)]]) })[0]!.hashes
  );
  const all = ({ train, control, certificate, probe }: typeof domain) =>
    [...train, ...control, ...certificate, ...probe].sort();
  const domain = short!;
  assert.equal(new Set(all(domain)).size, 48);
  assert.deepEqual(all(long!), all(domain));
});

Deno.test("splitRetention() names a document of one token, and an id beyond the embedding", () => {
  const lone = { kind: "tokens", ids: [7], labels: [7], origin: "text.jsonl:3" } as const;
  const texts = new Map([["text.jsonl", [...documents(48), lone]]]);
  assert.throws(
    () => domainsOf({ documents: texts }),
    (fault) => fault instanceof FileError && /^text\.jsonl:3: /.test(fault.message),
  );
  const most = Math.max(
    ...documents(48).flatMap((document) => [...encode(document, tokenizer).ids]),
  );
  domainsOf({ vocabSize: most + 1 });
  assert.throws(
    () => domainsOf({ vocabSize: most }),
    (fault) =>
      fault instanceof FileError &&
      fault.message.includes(`found token id ${most} at position `) &&
      fault.message.endsWith(`wanted ids below the vocabulary of ${most}`),
  );
});

Deno.test("RetentionRows gives every slice its lambda, however many tokens it has", async () => {
  const files = new Map([["a.txt", documents(30)], ["b.txt", documents(40, 100)]]);
  const domains = domainsOf({ documents: files, budgets: parseBudget("ppl[a]:1%,ppl[b]:1%") });
  const rows = new RetentionRows(domains, { T: 64, micros: 2, seed: 1 });
  for (const step of [0, 7, 3]) {
    const { micros, lambdas } = await rows.update(step, () => [2, 5]);
    const sums = [0, 0];
    for (const { batch, weights } of micros) rows.addLosses(batch, weights, sums);
    assert.deepEqual(lambdas, [2, 5]);
    assert.ok(Math.abs(sums[0]! - 2) < 1e-6 && Math.abs(sums[1]! - 5) < 1e-6, `${sums}`);
  }
  const again = () => rows.update(5, () => [1, 1]);
  assert.deepEqual(await again(), await again());
});

Deno.test("readRetention draws from more documents than a run has use for, each as likely", async () => {
  const path = Deno.makeTempFileSync({ suffix: ".jsonl" });
  try {
    const lines = Array.from({ length: 200 }, (_, i) => JSON.stringify({ text: `${i}` }));
    Deno.writeTextFileSync(path, lines.join("\n"));
    const said: string[] = [];
    const read = async (seed: number, most: number) => {
      const options = { seed, most, say: (line: string) => void said.push(line) };
      const found = (await readRetention([path], options)).get(path)!;
      return found.map((document) => Number(documentText(document)));
    };
    assert.deepEqual(await read(1, 200), [...lines.keys()]);
    assert.deepEqual(said, []);
    assert.deepEqual(await read(1, 20), await read(1, 20));
    assert.deepEqual(said[0], `guard: of 200 documents of ${path} 20 were drawn at random`);
    const drawn = Array<number>(200).fill(0);
    for (let seed = 0; seed < 200; seed++) {
      const numbers = await read(seed, 20);
      assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b));
      assert.equal(numbers.length, 20);
      for (const number of numbers) drawn[number]!++;
    }
    const tenth = (from: number) => drawn.slice(from, from + 20).reduce((a, b) => a + b) / 400;
    for (let from = 0; from < 200; from += 20) {
      assert.ok(Math.abs(tenth(from) - 1) < 0.2, `${from}: ${tenth(from)}`);
    }
  } finally {
    Deno.removeSync(path);
  }
});
