/** What a model wrote for a source; kept with its lists. A type alias, so that it is assignable to Json. */
export type WrittenReport = Readonly<{
  model: string;
  prompts: readonly Readonly<{
    /** With its version. */
    prompt: string;
    requests: number;
    /** None of whose replies fitted. */
    unanswered: number;
    rejectedReplies: number;
    items: number;
    /** Left out of replies that fitted. */
    droppedItems: number;
    /** Of this run; null where it asked nothing, or the model does not count. */
    tokensPerSecond: number | null;
    samples: readonly Readonly<{ task: string; texts: readonly string[] }>[];
  }>[];
}>;
