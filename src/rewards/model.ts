/**
 * What a model that was trained on comparisons (`objective.kind: reward`) makes of an answer.
 *
 * @module
 */
import {
  type Content,
  documentMaker,
  encode,
  type Example,
  faultNames,
  limitLength,
  rowTokenizer,
} from "../data/mod.ts";
import { ConfigError, FileError } from "../errors.ts";
import { adapterFolder, baseOf } from "../adapters/saved.ts";
import { openModel } from "../inference/open.ts";
import { ScoreProgram } from "../models/score_program.ts";
import { queueExamples } from "../objectives/scores/scorer.ts";
import type { RewardHost } from "./host.ts";
import { type Answered, type Reward, rowOf } from "./reward.ts";
import type { ModelReward } from "./settings.ts";

/** As rows of comparisons have it: a prompt as it is, or a chat. */
const TEMPLATE = "verbatim";

/**
 * The score of prompt and answer, read as rows of comparisons are.
 *
 * @throws {ConfigError} where there is no device, or the adapter gives no rewards.
 */
export async function modelReward(config: ModelReward, host: RewardHost): Promise<Reward> {
  const { device, say } = host;
  if (!device) throw new ConfigError("Found a reward model and no device, wanted one to run it on");
  const adapter = adapterFolder(config.adapter);
  const folder = config.base ?? baseOf(adapter);
  const open = openModel(device, folder, adapter, { scores: true, ...(say && { say }) });
  const close = () => open[Symbol.dispose]();
  try {
    const { engine, model, adapt } = open;
    if (model.scores !== 1) {
      const found = `an adapter that tells ${model.scores} classes`;
      throw new ConfigError(`${config.adapter}: found ${found}, wanted one that gives rewards`);
    }
    const T = Math.min(config.context, model.config.context);
    const program = await ScoreProgram.open(engine, model, { T, adapt });
    const read = readerOf(config, rowTokenizer(model), T);
    return {
      name: "model",
      async score(answers) {
        const rows = await (await queueExamples(program, answers.map(read))).result;
        return rows.map(({ scores }) => scores[0]![0]!);
      },
      close,
    };
  } catch (fault) {
    close();
    throw fault;
  }
}

/** Encodes answers, cut to `T` tokens. */
function readerOf(
  { template = TEMPLATE }: ModelReward,
  tokenizer: ReturnType<typeof rowTokenizer>,
  T: number,
): (answer: Answered) => Example {
  const documentOf = documentMaker({ path: "", template }, true);
  return (answer) => {
    const content = contentOf(answer);
    const example = encode(
      documentOf({ content, template: TEMPLATE, choice: 0 }),
      tokenizer,
      faultNames,
    );
    const cut = limitLength(example, T, "truncate");
    if (cut) return cut;
    const found = `a prompt of more than the ${T} tokens`;
    throw new FileError(`${rowOf(answer)}: found ${found} that the reward model reads`);
  };
}

function contentOf(answer: Answered): Content {
  const { prompt: instruction, completion } = answer;
  const content = {
    instruction,
    input: "",
    answer: completion,
    origin: rowOf(answer),
    empty: null,
  };
  return { kind: "instruction", ...content };
}
