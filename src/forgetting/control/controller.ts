/**
 * The controller: it weighs the guard's loss so that forgetting ends near its budget.
 *
 * @module
 */

/** Its constants. */
export interface ControllerOptions {
  /** The weight that a run starts with. */
  readonly lambda: number;
  /** Integral gain on the logarithm of the weight. */
  readonly ki: number;
  /** Proportional gain. */
  readonly kp: number;
  /** Derivative gain. */
  readonly kd: number;
  /** How much of the budget stays unused, so that the certificate can pass at full strength. */
  readonly margin: number;
  /** How much of what is forgotten at the peak learning rate goes by itself as the rate falls. */
  readonly fade: number;
  /** How much of its past the average of the training divergence keeps at each update. */
  readonly ema: number;
}

/** What a controller remembers: numbers only, so that a checkpoint can hold it. */
export interface ControllerState {
  /** The integral: the logarithm of the weight without the other two terms. */
  readonly s: number;
  /** Average of the divergence on training rows; null before the first update. */
  readonly y: number | null;
  /** What must be added to the average to meet what was measured on held-back text. */
  readonly o: number;
  /** Average of the relative error. */
  readonly slow: number;
  /** The weight. */
  readonly lambda: number;
}

const [LEAST, MOST] = [0.01, 1000];

const clip = (x: number, least: number, most: number) => Math.max(least, Math.min(most, x));

/**
 * A PID controller on log(weight) with two rates: the divergence on the training rows is seen at
 * every update and costs nothing; the shift on held-back text is measured now and then and corrects
 * the first one's bias. The integral alone is dual ascent on the budget's Lagrangian in log space,
 * so that the weight stays above 0 and no constant depends on the loss's scale. It aims at where
 * the run will end: at a high learning rate more is forgotten than will be in the end.
 */
export class Controller {
  #state: ControllerState;

  constructor(
    /** The budget, in nats a token. */
    readonly epsilon: number,
    readonly options: ControllerOptions,
    /** Updates from one measurement to the next. */
    readonly every: number,
    state?: ControllerState,
  ) {
    const { lambda } = options;
    this.#state = state ?? { s: Math.log(lambda), y: null, o: 0, slow: 0, lambda };
  }

  get state(): ControllerState {
    return this.#state;
  }

  /** What the guard's mean loss counts beside the mean task loss. */
  get lambda(): number {
    return this.#state.lambda;
  }

  /** What is believed to be forgotten now, in nats a token. */
  get estimate(): number {
    return (this.#state.y ?? 0) + this.#state.o;
  }

  /**
   * After an update: `divergence` is the mean over its guard rows, `toFall` the share of the peak
   * learning rate that the schedule is yet to take away.
   */
  observe(divergence: number, toFall: number): void {
    const { ki, kp, kd, margin, fade, ema } = this.options;
    const { y, o, s } = this.#state;
    const average = y === null ? divergence : ema * y + (1 - ema) * divergence;
    const foreseen = (average + o) * (1 - fade * toFall);
    const e = (foreseen - (1 - margin) * this.epsilon) / this.epsilon;
    const slow = y === null ? e : this.#state.slow; // nothing has moved yet
    const bounded = clip(e, -1, 1);
    const integral = clip(s + ki / this.every * bounded, Math.log(LEAST), Math.log(MOST));
    const log = integral + kp * bounded + kd * clip(e - slow, -1, 1);
    this.#state = {
      s: integral,
      y: average,
      o,
      slow: ema * slow + (1 - ema) * e,
      lambda: Math.min(MOST, Math.exp(log)),
    };
  }

  /** After a measurement of the shift on held-back text, in nats a token. */
  correct(shift: number): void {
    this.#state = { ...this.#state, o: shift - (this.#state.y ?? 0) };
  }

  /** After a roll-back: what was averaged is of a model that is gone, and the weight was too low. */
  restart(shift: number): void {
    const s = clip(this.#state.s + Math.LN2, Math.log(LEAST), Math.log(MOST));
    this.#state = { s, y: shift, o: 0, slow: 0, lambda: Math.exp(s) };
  }
}
