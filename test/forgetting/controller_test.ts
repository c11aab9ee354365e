import assert from "node:assert/strict";
import { Controller, type ControllerOptions } from "../../src/forgetting/control/controller.ts";

const OPTIONS: ControllerOptions = {
  ...{ lambda: 2, ki: 0.8, kp: 0.5, kd: 0.5, margin: 0.15, fade: 0.25, ema: 0.9 },
};

Deno.test("Controller computes its formula", () => {
  const controller = new Controller(0.02, OPTIONS, 25);
  controller.observe(0.03, 0);
  const e = (0.03 - 0.85 * 0.02) / 0.02; // 0.65
  const s = Math.log(2) + 0.8 / 25 * e;
  const near = (found: number, wanted: number) => assert.ok(Math.abs(found - wanted) < 1e-12);
  near(controller.lambda, Math.exp(s + 0.5 * e));
  near(controller.state.slow, e);
  controller.correct(0.01);
  near(controller.estimate, 0.01); // the measurement is what is believed
  controller.observe(0.03, 0);
  near(controller.estimate, 0.01); // and keeps correcting the average
  const then = (0.01 - 0.85 * 0.02) / 0.02; // -0.35
  near(controller.state.s, s + 0.8 / 25 * then);
  near(controller.lambda, Math.exp(controller.state.s + 0.5 * then - 0.5)); // it fell by e
  near(controller.state.slow, 0.9 * e + 0.1 * then);
});

Deno.test("Controller foresees that forgetting falls with the learning rate", () => {
  const at = (toFall: number) => {
    const controller = new Controller(0.02, OPTIONS, 25);
    controller.observe(0.02, toFall);
    return controller.state.slow; // its error
  };
  assert.ok(Math.abs(at(0) - 0.15) < 1e-12);
  assert.ok(Math.abs(at(1) - (0.75 - 0.85)) < 1e-12);
  assert.ok(Math.abs(at(0.5) - (0.875 - 0.85)) < 1e-12);
});

Deno.test("Controller keeps its weight within bounds, whatever it sees", () => {
  const controller = new Controller(0.02, OPTIONS, 1);
  for (let i = 0; i < 100; i++) controller.observe(5, 0);
  assert.equal(controller.lambda, 1000);
  for (let i = 0; i < 400; i++) controller.observe(0, 0);
  assert.ok(controller.lambda > 0.003 && controller.lambda < 0.02);
});

Deno.test("Controller goes on from its state bit for bit", () => {
  const whole = new Controller(0.02, OPTIONS, 25);
  let part = new Controller(0.02, OPTIONS, 25);
  for (let i = 0; i < 40; i++) {
    for (const controller of [whole, part]) {
      controller.observe(0.01 + 0.001 * (i % 7), 1 - i / 40);
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
    controller.observe(0.8 * forgetting, rate);
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
