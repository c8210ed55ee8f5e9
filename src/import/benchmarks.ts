import listed from './benchmarks.json' with { type: 'json' };

/** A data set of the hub that has a short name. */
export interface Benchmark {
  readonly name: string;
  readonly id: string;
  /** Texts, and queries of the test split; null where they were not looked up. */
  readonly documents: number | null;
  readonly queries: number | null;
  /** Of its Parquet files, about: estimated from number and length of the texts. The hub lists the exact size. */
  readonly megabytes: number;
  /**
   * Of the data that it was made of, as the BEIR paper (Appendix E) and the data's authors state it; null where they
   * state none, or it was not looked up. The page on the hub may have another label.
   */
  readonly license: string | null;
}

/** NanoBEIR, and the small sets of BEIR. */
export const benchmarks: readonly Benchmark[] = listed;

export function findBenchmark(name: string): Benchmark | undefined {
  return benchmarks.find((benchmark) => benchmark.name === name.toLowerCase());
}

/** One line where a benchmark has another number of texts than is known of it. */
export function benchmarkWarnings(benchmark: Benchmark | undefined, texts: number): readonly string[] {
  const listed = benchmark?.documents ?? texts;
  if (texts === listed) return [];
  return [
    `${benchmark?.name ?? ''} has ${texts} texts, but ${listed} were known: the hub's data has changed`,
  ];
}
