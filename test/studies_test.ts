/** The study of the certificate, small: its claims hold for shapes that Student's t fails. */
import assert from "node:assert/strict";
import { studyCertificate } from "../src/studies/certificate.ts";

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
  for (const { shape, missed, missed_beyond, falsely_certified } of rows) {
    // More than 4 of 20 at 5 % has a probability of 0.003.
    for (const [claim, share] of Object.entries({ missed, missed_beyond, falsely_certified })) {
      assert.ok(share * tries <= 4, `${shape}: ${claim} ${share}`);
    }
  }
});
