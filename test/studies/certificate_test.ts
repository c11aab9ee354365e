/** The study of the certificate, small: its claims hold for shapes that Student's t fails. */
import assert from "node:assert/strict";
import { studyCertificate } from "../../src/studies/certificate/bounds.ts";
import { studyPlanted } from "../../src/studies/certificate/planted.ts";

Deno.test("every claim of the certificate holds as often as it says, over all shapes", async () => {
  const tries = 20;
  const rows = await studyCertificate({
    tries,
    delta: 0.05,
    epsilon: Math.log1p(0.02),
    sizes: [64],
    population: 2000,
  });
  assert.equal(rows.length, 6);
  for (const { shape, missed, missed_chosen, missed_beyond, falsely_certified } of rows) {
    // More than 4 of 20 at 5 % has a probability of 0.003.
    const claims = { missed, missed_chosen, missed_beyond, falsely_certified };
    for (const [claim, share] of Object.entries(claims)) {
      assert.ok(share * tries <= 4, `${shape}: ${claim} ${share}`);
    }
  }
});

Deno.test("strict certificates pass where nothing is forgotten, at the number asked for, and nowhere else", () => {
  const tries = 8;
  const rows = studyPlanted({ tries, delta: 0.05, epsilon: Math.log1p(0.02), population: 2000 });
  assert.equal(rows.length, 7);
  for (const { shape, documents, ...shares } of rows) {
    assert.ok(documents > 400 && documents < 900, `${shape}: ${documents}`);
    assert.equal(shares.passed_nothing, 1, shape);
    // More than 3 of 8 at 5 % has a probability of 0.0004.
    assert.ok(shares.certified * tries <= 3 && shares.certified_counted * tries <= 3, shape);
  }
});
