/**
 * Self-instruct: a model makes tasks out of those that it is shown, and instances of them (Wang et al.,
 * 2022, arXiv 2212.10560). All is a function of the answers, and of the seed.
 *
 * @module
 */
import type { ModelRequest } from "../data/mod.ts";
import { FileError } from "../errors.ts";
import type { ResultName } from "./folder.ts";
import type { Ask } from "./journal.ts";
import {
  type Branch,
  BRANCH_SAMPLING,
  branchOf,
  branchPrompt,
  INSTANCE_SAMPLING,
  instancesIn,
  instancesPrompt,
  type Showing,
} from "./steps/instances.ts";
import {
  drawShown,
  instructionsIn,
  instructionsPrompt,
  type Nearest,
  Pool,
  type Pooled,
  SAMPLING,
  TOO_NEAR,
} from "./steps/instructions.ts";
import type { Answer, Written } from "./writers/writer.ts";

/** Rounds without a row after which nothing more is hoped for. */
const FRUITLESS = 20;

/** What a run makes. */
export interface BootstrapOptions {
  /** Instructions of people. */
  readonly seeds: readonly string[];
  /** Rows that are wanted; the round that reaches them is finished. */
  readonly rows: number;
  /** Prompts of a round. */
  readonly prompts: number;
  readonly seed: number;
  /** The model, as rows name it. */
  readonly model: string;
  /** Whether prompts are turns of a chat; else texts to go on with. */
  readonly chat: boolean;
  readonly showing: Showing;
  readonly ask: Ask;
  readonly add: (name: ResultName, row: object) => void;
  /** Called after each round. */
  readonly onRound: (state: Progress) => void;
}

/** How far a run is. */
export interface Progress {
  readonly round: number;
  readonly tasks: number;
  readonly rows: number;
  readonly rejected: number;
}

/** An instruction that is kept. */
interface Task extends Pooled {
  readonly number: number;
  readonly round: number;
  readonly shown: readonly string[];
  readonly nearest: Nearest;
}

/** What is not kept, why, and what it was. */
type Rejected = Readonly<Record<string, unknown>> & {
  readonly stage: "instructions" | "instruction" | "instance";
  readonly reason: string;
};

/**
 * Makes rows until there are enough.
 *
 * @throws {FileError} where many rounds have made none, or nothing is answered; what was made stays.
 */
export async function bootstrap(options: BootstrapOptions): Promise<Progress> {
  const run = new Bootstrap(options);
  for (let round = 0, last = 0; run.rows < options.rows; round++) {
    const before = run.rows;
    await run.round(round);
    if (run.rows > before) last = round;
    options.onRound(run.progress(round));
    if (round - last < FRUITLESS) continue;
    throw new FileError(
      `Found no row in ${FRUITLESS} rounds, wanted ${options.rows - run.rows} more than the ` +
        `${run.rows} there are; other seeds, another seed or a larger model would do`,
    );
  }
  return run.progress(0);
}

class Bootstrap {
  readonly #seeds: readonly Pooled[];
  readonly #made: Task[] = [];
  readonly #pool = new Pool();
  #rejected = 0;
  rows = 0;

  constructor(private readonly options: BootstrapOptions) {
    this.#seeds = options.seeds.map((instruction, i) => ({ instruction, name: `seed ${i}` }));
    for (const seed of this.#seeds) this.#pool.add(seed);
  }

  progress(round: number): Progress {
    return { round, tasks: this.#made.length, rows: this.rows, rejected: this.#rejected };
  }

  /** Makes instructions, tells their branches, and makes instances of each. */
  async round(round: number): Promise<void> {
    const tasks = await this.#instructions(round);
    const answers = await this.#ask(
      `${round}/branch`,
      tasks.map(({ instruction }) => branchPrompt(instruction, this.options.showing)),
      BRANCH_SAMPLING,
    );
    const branches = answers.map((answer) => "text" in answer ? branchOf(answer) : "generation");
    const instances = new Map<Task, Answer>();
    for (const branch of ["classification", "generation"] as const) {
      const own = tasks.filter((_, i) => branches[i] === branch);
      const prompts = own.map(({ instruction }) =>
        instancesPrompt(instruction, branch, this.options.showing)
      );
      const found = await this.#ask(`${round}/${branch}`, prompts, INSTANCE_SAMPLING[branch]);
      for (const [i, task] of own.entries()) instances.set(task, found[i]!);
    }
    for (const [i, task] of tasks.entries()) this.#add(task, branches[i]!, instances.get(task)!);
  }

  async #instructions(round: number): Promise<Task[]> {
    const { prompts, seed } = this.options;
    const shown = Array.from(
      { length: prompts },
      (_, prompt) => drawShown(this.#seeds, this.#made, seed, round, prompt),
    );
    const answers = await this.#ask(
      `${round}/instructions`,
      shown.map(instructionsPrompt),
      SAMPLING,
    );
    const refused = answers.find((answer) => "refused" in answer);
    if (refused && answers.every((answer) => "refused" in answer)) {
      throw new FileError(`Found no prompt that is answered: ${refused.refused}`);
    }
    const kept: Task[] = [];
    for (const [prompt, answer] of answers.entries()) {
      if ("refused" in answer) {
        this.#reject({ stage: "instructions", round, prompt, reason: answer.refused });
        continue;
      }
      const names = shown[prompt]!.map(({ name }) => name);
      kept.push(...this.#keep(answer, { round, prompt, shown: names }));
    }
    return kept;
  }

  /** Takes the instructions of an answer into the pool that are unlike all in it. */
  #keep(
    answer: Written,
    from: { readonly round: number; readonly prompt: number; readonly shown: readonly string[] },
  ): Task[] {
    const { round, prompt, shown } = from;
    return instructionsIn(answer).flatMap(({ instruction, reason: fault }): Task[] => {
      const nearest = fault === null ? this.#pool.nearest(instruction) : null;
      const isNear = nearest !== null && nearest.rougeL >= TOO_NEAR;
      if (nearest === null || isNear) {
        const reason = fault ?? `ROUGE-L ${nearest!.rougeL.toFixed(3)} with ${nearest!.to}`;
        this.#reject({ stage: "instruction", round, prompt, reason, instruction });
        return [];
      }
      const number = this.#made.length;
      const task = { number, name: `task ${number}`, instruction, round, shown, nearest };
      this.#made.push(task);
      this.#pool.add(task);
      return [task];
    });
  }

  #add(task: Task, branch: Branch, answer: Answer): void {
    const { number, instruction, round, shown, nearest } = task;
    const about = { stage: "instance", task: number, round, branch } as const;
    const found = "text" in answer ? instancesIn(branch, answer) : { reason: answer.refused };
    let rows = 0;
    if ("reason" in found) {
      const text = "text" in answer ? answer.text : "";
      this.#reject({ ...about, reason: found.reason, instruction, text });
    } else {
      for (const { input, output, reason } of found) {
        if (reason !== null) this.#reject({ ...about, reason, instruction, input, output });
        else this.#row(task, branch, { input, output, instance: rows++ });
      }
    }
    const rougeL = Number(nearest.rougeL.toFixed(4));
    const kept = { task: number, instruction, branch, round, shown };
    this.options.add("tasks", { ...kept, nearest: { rougeL, to: nearest.to }, rows });
  }

  #row(
    { number: task, instruction, round }: Task,
    branch: Branch,
    { input, output, instance }: {
      readonly input: string;
      readonly output: string;
      readonly instance: number;
    },
  ): void {
    const { model } = this.options;
    const provenance = { by: "self-instruct", model, task, round, branch, instance };
    this.options.add("rows", { instruction, input, output, provenance });
    this.rows++;
  }

  #reject(row: Rejected): void {
    this.options.add("rejected", row);
    this.#rejected++;
  }

  async #ask(step: string, prompts: readonly string[], how: Parameters<Ask>[2]): Promise<Answer[]> {
    if (prompts.length === 0) return [];
    const requests = prompts.map((text): ModelRequest =>
      this.options.chat
        ? { kind: "chat", turns: [{ role: "user", content: text }] }
        : { kind: "text", text }
    );
    return await this.options.ask(step, requests, how);
  }
}
