/**
 * The clusters of FLAN (Wei et al. 2021, 2109.01652) as its released code has them: 17 groups of tasks,
 * and which of them say too much of each other (`flan/task_splits.py` of google-research/FLAN).
 *
 * @module
 */

/** The tasks of each cluster. */
export const FLAN_CLUSTERS: Readonly<Record<string, readonly string[]>> = {
  summarization: [
    "aeslc",
    "cnn_dailymail",
    "gigaword",
    "multi_news",
    "newsroom",
    "samsum",
    "xsum",
    "ag_news_subset",
    "opinion_abstracts_rotten_tomatoes",
    "opinion_abstracts_idebate",
    "wiki_lingua_english_en",
  ],
  structure_to_text: ["web_nlg_en", "common_gen", "e2e_nlg", "dart"],
  reading_comprehension: ["squad_v1", "squad_v2", "drop", "multirc", "openbookqa", "bool_q"],
  open_domain_qa: ["trivia_qa", "natural_questions", "arc_challenge", "arc_easy"],
  paraphrase: ["glue_mrpc", "glue_qqp", "paws_wiki", "stsb"],
  sentiment: ["imdb_reviews", "sentiment140", "yelp_polarity_reviews", "sst2"],
  text_formatting: ["true_case", "fix_punct", "word_segment"],
  common_sense: ["copa", "hellaswag", "story_cloze", "piqa"],
  translation: [
    "para_crawl_enes",
    "wmt14_enfr",
    "wmt16_translate_deen",
    "wmt16_translate_tren",
    "wmt16_translate_csen",
    "wmt16_translate_fien",
    "wmt16_translate_roen",
    "wmt16_translate_ruen",
  ],
  coreference: ["definite_pronoun_resolution", "winogrande", "wsc"],
  entailment: [
    "anli_r1",
    "anli_r2",
    "anli_r3",
    "cb",
    "rte",
    "mnli_matched",
    "mnli_mismatched",
    "qnli",
    "wnli",
    "snli",
  ],
  math: ["math_dataset"],
  conversational_qa: ["quac", "coqa"],
  word_disambiguation: ["wic"],
  linguistic_acceptability: ["cola"],
  question_classification: ["trec"],
  read_comp_and_common_sense: ["record", "cosmos_qa"],
};

/** Clusters of which neither is trained on where the other is held out. */
export const FLAN_KIN: readonly (readonly [string, string])[] = [
  ["reading_comprehension", "read_comp_and_common_sense"],
  ["common_sense", "read_comp_and_common_sense"],
  ["paraphrase", "entailment"],
];
