/** What training ranked lower, and the lists that pushed it: as it is stored, and as the page shows it. */

/** A text of the corpus or of a list, with its id. */
type Text = Readonly<{ id: string; text: string }>;

/** A list that pushed a passage, with the passage that it has as its own. */
export type PushingList = Readonly<{ query: Text; positive: Text | null; push: number }>;

/** A relevant passage that training ranked lower for a test query. */
export type LoweredPassage = Readonly<{
  query: Text;
  passage: Text;
  grade: number;
  before: number;
  /** Null where it is below all that were found. */
  after: number | null;
  /** By all lists. */
  push: number;
  pull: number;
  /** Whether most passages were pushed more than twice as much: it fell since others rose. */
  isHardlyPushed: boolean;
  /** The strongest first. */
  lists: readonly PushingList[];
}>;

export type LoweredArm = Readonly<{
  name: string;
  seed: number;
  /** Relevant passages that the untrained encoder had among the first ten, and how many of them training took out. */
  inTopTen: number;
  leftTopTen: number;
  /** The steps whose push and pull is recorded; null where the training recorded none. */
  steps: Readonly<{ from: number; to: number }> | null;
  /** The median of the passages that training met. */
  typicalPush: number;
  passages: readonly LoweredPassage[];
}>;

/** A type alias, so that it is assignable to Json. */
export type LoweredReport = Readonly<{
  /** The lowest grade of a passage that counts as relevant here. */
  grade: number;
  /** Passages that were found for each query. */
  depth: number;
  arms: readonly LoweredArm[];
}>;
