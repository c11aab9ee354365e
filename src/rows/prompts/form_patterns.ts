/**
 * The patterns of the Flan Collection for chain-of-thought and input inversion.
 *
 * @module
 */

import type { Pattern } from "./patterns.ts";

const pattern = (input: string, target: string): Pattern => ({ input, target });

/**
 * After `synth_cot_natural_questions` of google-research/FLAN, flan/v2/templates.py, whose questions
 * come without a question mark.
 */
export const CHAIN_OF_THOUGHT: readonly Pattern[] = [
  pattern("Question: {question}\nCoT:", "{chain_of_thought}\nThe answer is {answer}"),
  pattern(
    "{question} Let's think step by step.",
    "{chain_of_thought}\n\nThe answer is {answer}",
  ),
  pattern(
    "Answer the following question carefully:\n\n{question}",
    "{chain_of_thought}\nThe answer is {answer}",
  ),
  pattern(
    "Answer this question:\n\n{question} Think out loud!",
    "{chain_of_thought}\nSo, the answer is {answer}",
  ),
  pattern(
    "Please answer this question: {question}\nGive your reasons first.",
    "{chain_of_thought}\n\nThe answer: {answer}",
  ),
  pattern(
    "{question} Give your explanation afterwards",
    "The answer: {answer}\nExplanation: {chain_of_thought}",
  ),
  pattern(
    "What is the answer to this question? {question}\nLet's think...",
    "{chain_of_thought}. So the answer is {answer}.",
  ),
  pattern(
    "Next question: {question}\n\nSolution:",
    "{chain_of_thought}\nThe answer is {answer}",
  ),
  pattern(
    "Q: {question} Step-by-step reasoning process:",
    "{chain_of_thought} The answer is {answer}",
  ),
];

/**
 * `cot_stream_general_input_inversion` of the same file, as shipped, and for rows without a chain of
 * thought those of its other inversions that suit any answer.
 */
export const INVERSION: readonly Pattern[] = [
  pattern("If this is the answer: {answer}\n what was the question?", "{question}"),
  pattern("Solution: {answer}\nThe corresponding question:", "{question}"),
  pattern("What might have been said before this? {answer}", "{question}"),
  pattern("If this is the response, what came before? Response {answer}", "{question}"),
  pattern(
    "Given the following reasoning and answer, what was the question? {chain_of_thought}\n " +
      "The answer: {answer}",
    "The question {question}",
  ),
  pattern(
    "For this chain-of-thought reasoning and answer, what was the question?\n" +
      "{chain_of_thought}\n A: {answer}",
    "Q: {question}",
  ),
  pattern(
    "Consider the question. {question}\n What is the step-by-step reasoning process to arrive at " +
      "the answer: {answer}?",
    "{chain_of_thought}",
  ),
  pattern(
    "Question. {question}\nAnswer. {answer}\nWhat step-by-step reasoning justifies that answer?",
    "Reasoning: {chain_of_thought}",
  ),
  pattern(
    "Q: {question}\nA: {answer}\nExplain how we arrive at this answer: ",
    "Explanation: {chain_of_thought}",
  ),
  pattern(
    "Given the rationale, provide a reasonable question and answer. Step-by-step reasoning " +
      "process: {chain_of_thought}\n The question and answer:",
    "{question}\nThe answer is {answer}",
  ),
  pattern(
    "{chain_of_thought}\nThis justifies what answer for what question? Q & A: ",
    "{question}\n{answer}",
  ),
  pattern(
    "{chain_of_thought}is the reasoning for what question and answer pair?",
    "Q: {question}\nA: {answer}",
  ),
  pattern(
    "Come up with a question and reasoning that would justify this answer: {answer}",
    "The question is: {question}\nStep-by-step reasoning process: {chain_of_thought}\n",
  ),
  pattern(
    "What was the question for this implicit rationale, and corresponding answer?\n" +
      "{chain_of_thought}\n The answer: {answer}",
    "The question: {question}",
  ),
  pattern(
    "Explain simply why {answer} is the correct answer to: {question}. Explanation:",
    "{chain_of_thought}",
  ),
  pattern(
    "Reconstruct a question, answer pair from this explanation: {chain_of_thought}\n",
    "Q:{question}\nA:{answer}",
  ),
];

/** `predict_next_turn_dialog_input_inversion` of the same file; the dialogue is the question. */
export const DIALOG_INVERSION: readonly Pattern[] = [
  pattern("Consider this response: {answer}\nWhat was the preceding dialog?", "{question}"),
  pattern("{answer}\nThe preceding conversation:", "{question}"),
  pattern("Read this response and predict the preceding dialog. {answer}\n", "{question}"),
  pattern("What might have been said before this? {answer}", "{question}"),
  pattern("{answer}\nPrevious conversation:", "{question}"),
  pattern("What came before. {answer}", "{question}"),
  pattern("Write the conversation that led to this response. {answer}", "{question}"),
  pattern("See this dialog response. {answer} What came before?", "{question}"),
  pattern(
    "Imagine the conversation that came before this response? Response: {answer}",
    "{question}",
  ),
  pattern("If this is the response, what came before? Response {answer}", "{question}"),
];
