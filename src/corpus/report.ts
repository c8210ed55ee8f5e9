/** Findings of a reader, collected while it reads. */
export class ReadReport {
  documents = 0;
  /** Documents or list passages without text. Documents stay in the corpus; training leaves them out. */
  emptyTexts = 0;
  /** Documents left out because their id had appeared before. */
  duplicateIds = 0;
  /** Judged pairs whose document the corpus does not have. */
  judgmentsOfUnknownDocuments = 0;
  /** Judged queries that queries.jsonl does not have. */
  judgedUnknownQueries = 0;
  lists = 0;
  /** Lists left out because nothing to train on was left in them. */
  emptyLists = 0;
  /** JSON lines in which an object has a key twice; the last value counts. */
  duplicateKeys = 0;
  #firstDuplicateKey = '';

  /** @param place the key and its line */
  addDuplicateKey(place: string): void {
    if (this.duplicateKeys++ === 0) this.#firstDuplicateKey = place;
  }

  /** Takes over the duplicate keys that another reader noticed. */
  addDuplicateKeysOf(other: ReadReport): void {
    if (this.duplicateKeys === 0) this.#firstDuplicateKey = other.#firstDuplicateKey;
    this.duplicateKeys += other.duplicateKeys;
  }

  /** One line for each thing a user should know. */
  warnings(): string[] {
    const lines: [number, string][] = [
      [this.emptyTexts, 'passages without text (excluded from training)'],
      [this.duplicateIds, 'documents with a duplicate id (excluded)'],
      [this.judgmentsOfUnknownDocuments, 'judgments of documents that are missing from the corpus'],
      [this.judgedUnknownQueries, 'judged queries that are missing from the queries file'],
      [this.emptyLists, 'training lists without a query or passages (excluded)'],
      [
        this.duplicateKeys,
        `JSON lines with a duplicate key, such as ${this.#firstDuplicateKey} (the last value is used)`,
      ],
    ];
    return lines.filter(([count]) => count > 0).map(([count, what]) => `${what}: ${count}`);
  }
}
