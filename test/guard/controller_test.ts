import assert from "node:assert/strict";
import { Controller, type ControllerOptions } from "../../src/guard/steer/controller.ts";

const OPTIONS: ControllerOptions = {
  ...{ lambda: 1, ki: 0.4, kp: 0.5, kd: 0.5, margin: 0.15, ema: 0.9 },
};

Deno.test("Controller computes the published formula", () => {
  const controller = new Controller(0.02, OPTIONS, 25);
  controller.observe(0.03);
  const e = (0.03 - 0.85 * 0.02) / 0.02; // 0.65
  const s = 0.4 / 25 * e;
  assert.ok(Math.abs(controller.lambda - Math.exp(s + 0.5 * e + 0.5 * e)) < 1e-12);
  assert.ok(Math.abs(controller.state.slow - 0.1 * e) < 1e-15);
  controller.correct(0.01);
  assert.ok(Math.abs(controller.estimate - 0.01) < 1e-15, "the measurement is what is believed");
  controller.observe(0.03);
  assert.ok(Math.abs(controller.estimate - 0.01) < 1e-15, "and keeps correcting the average");
  const then = (0.01 - 0.85 * 0.02) / 0.02;
  assert.ok(Math.abs(controller.state.s - (s + 0.4 / 25 * then)) < 1e-12);
});

Deno.test("Controller keeps its weight within bounds, whatever it sees", () => {
  const controller = new Controller(0.02, OPTIONS, 1);
  for (let i = 0; i < 100; i++) controller.observe(5);
  assert.equal(controller.lambda, 1000);
  for (let i = 0; i < 400; i++) controller.observe(0);
  assert.ok(controller.lambda > 0.003 && controller.lambda < 0.02);
});

Deno.test("Controller goes on from its state bit for bit", () => {
  const whole = new Controller(0.02, OPTIONS, 25);
  let part = new Controller(0.02, OPTIONS, 25);
  for (let i = 0; i < 40; i++) {
    for (const controller of [whole, part]) {
      controller.observe(0.01 + 0.001 * (i % 7));
      if (i % 10 === 9) controller.correct(0.015);
    }
    part = new Controller(0.02, OPTIONS, 25, JSON.parse(JSON.stringify(part.state)));
  }
  assert.equal(part.lambda, whole.lambda);
});

/** A plant like a run: forgetting falls with the weight, follows it slowly, and grows with the rate. */
function finalForgetting(epsilon: number, pull: number, updates: number): number {
  const controller = new Controller(epsilon, OPTIONS, 25);
  let forgetting = 0;
  for (let i = 0; i < updates; i++) {
    const rate = (1 + Math.cos(Math.PI * i / updates)) / 2;
    const settled = pull / (1 + controller.lambda) ** 1.5 * (0.3 + 0.7 * rate);
    forgetting += 0.05 * (settled - forgetting);
    controller.observe(0.8 * forgetting);
    if (i % 25 === 0) controller.correct(forgetting);
  }
  return forgetting / epsilon;
}

Deno.test("Controller ends between half and all of any budget, without another constant", () => {
  for (const budget of [0.5, 1, 2, 5, 10]) {
    for (const pull of [0.2, 0.6, 2]) {
      for (const updates of [600, 2000]) {
        const spent = finalForgetting(Math.log1p(budget / 100), pull, updates);
        const about = `${budget} %, pull ${pull}, ${updates} updates`;
        assert.ok(spent > 0.5 && spent < 1.05, `${about}: ${spent} of the budget`);
      }
    }
  }
});
