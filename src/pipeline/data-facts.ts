/** The judged queries of a split. A type alias, so that it is assignable to Json. */
export type SplitFacts = Readonly<{
  queries: number;
  /** Judgments that say relevant. */
  pairs: number;
  /** Whether they tell one relevant passage from a better one. */
  graded: boolean;
}>;

/** What a corpus is like, as far as choices depend on it. A type alias, too. */
export type DataFacts = Readonly<{
  passages: number;
  /** Tokens of passages spread over the corpus, uncut, in ascending order. */
  passageTokens: readonly number[];
  /** The share of their words that the encoder's vocabulary has as a whole; null without words. */
  cover: number | null;
  train: SplitFacts | null;
  test: SplitFacts | null;
}>;
