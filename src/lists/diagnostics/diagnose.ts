import { isPositive } from '../../corpus/text-key.ts';
import type { ListDocument, ListRecord, Source } from '../../corpus/types.ts';
import { norm } from '../../core/exact-math.ts';
import type { LossSpec } from '../../losses/loss-spec.ts';
import type { EmbedTexts } from '../../retrieval/retrieve.ts';
import { isAccidentallyRelevant } from './accidental-relevance.ts';
import { distinctN } from './distinct-n.ts';
import { gradientShares, type GradientShare } from './gradient-share.ts';
import { passageFeatures, type PassageFeatures } from './passage-features.ts';
import { histogram, type Histogram } from './score-histogram.ts';
import { probeSource, type ProbeResult } from './source-probe.ts';

/** Means over a source's passages. */
const means = [
  'jaccardQuery',
  'jaccardPositive',
  'rougeQuery',
  'rougePositive',
  'bm25Query',
  'bm25Positive',
  'lengthRatio',
] as const;
type MeanName = (typeof means)[number];

/** What the passages of a source look like. A type alias, so that it is assignable to Json. */
export type SourceDiagnosis = Readonly<
  Record<MeanName, number> & {
    source: Source;
    passages: number;
    /** Null without an encoder. */
    cosineQuery: number | null;
    cosinePositive: number | null;
    distinct1: number;
    distinct2: number;
    /** Null where no passage has a teacher score. */
    teacher: Histogram | null;
    /** Of the positives of their lists, over the same range; null where none has a teacher score. */
    positives: Histogram | null;
    /** Of the passages about which something is known, the share that is called relevant; null where nothing is. */
    accidentalRelevance: Readonly<{ judged: number; relevant: number; rate: number }> | null;
    /** Null without an encoder. */
    gradient: GradientShare | null;
    /** Against the passages of all other sources; null without an encoder, or with one source. */
    probe: ProbeResult | null;
  }
>;

export interface DiagnoseOptions {
  /** Without it what needs vectors is left out. */
  readonly embed?: EmbedTexts;
  /** Whose gradient is shared out. */
  readonly loss: LossSpec;
  readonly seed?: number;
}

/**
 * Looks at the passages of each source that are no positives: how near they are to query and positive, how varied, how
 * likely to be relevant after all, how much they would teach, and how easily they are told from those of the others.
 * Lists without a positive are not looked at.
 */
export async function diagnoseSources(
  all: readonly ListRecord[],
  { embed, loss, seed = 0 }: DiagnoseOptions,
): Promise<readonly SourceDiagnosis[]> {
  const lists = all.filter(({ documents }) => documents.some((document) => isPositive(document)));
  const features = passageFeatures(lists);
  const vectors = embed === undefined ? undefined : await embedAll(features, embed);
  const shares = embed === undefined ? undefined : await gradientShares(lists, embed, loss);
  const scores = lists.flatMap(({ documents }) => documents.flatMap(({ teacher }) => teacher ?? []));
  const range = { low: smallest(scores), high: -smallest(scores.map((score) => -score)) };
  const sources = [...new Set(features.map(({ document }) => document.source))];
  return sources.map((source) => {
    const places = [...features.keys()].filter((at) => features[at]?.document.source === source);
    const own = places.map((at) => features[at] as PassageFeatures);
    const mean = (valueOf: (at: number) => number): number =>
      places.reduce((sum, at) => sum + valueOf(at), 0) / places.length;
    const averages = Object.fromEntries(
      means.map((name) => [name, mean((at) => (features[at] as PassageFeatures)[name])]),
    ) as Record<MeanName, number>;
    const histogramOf = (documents: readonly ListDocument[]): Histogram | null => {
      const scored = documents.flatMap(({ teacher }) => teacher ?? []);
      return scored.length === 0 ? null : histogram(scored, range);
    };
    return {
      source,
      passages: own.length,
      ...averages,
      cosineQuery: vectors === undefined ? null : mean((at) => vectors.cosineQuery[at] as number),
      cosinePositive: vectors === undefined ? null : mean((at) => vectors.cosinePositive[at] as number),
      distinct1: distinctN(
        own.map(({ words }) => words),
        1,
      ),
      distinct2: distinctN(
        own.map(({ words }) => words),
        2,
      ),
      teacher: histogramOf(own.map(({ document }) => document)),
      positives: histogramOf(
        [...new Set(own.map(({ list }) => list))].flatMap(({ documents }) =>
          documents.filter((document) => isPositive(document)),
        ),
      ),
      accidentalRelevance: relevanceOf(own),
      gradient: shares?.get(source) ?? null,
      probe:
        vectors === undefined || sources.length < 2
          ? null
          : probeSource(sampleOf(features, vectors, source), seed),
    };
  });
}

function smallest(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Infinity);
}

function relevanceOf(own: readonly PassageFeatures[]): SourceDiagnosis['accidentalRelevance'] {
  const verdicts = own.flatMap(({ document, list }) => isAccidentallyRelevant(document, list) ?? []);
  if (verdicts.length === 0) return null;
  const relevant = verdicts.filter((verdict) => verdict.relevant).length;
  return { judged: verdicts.length, relevant, rate: relevant / verdicts.length };
}

interface PassageVectors {
  readonly dimension: number;
  /** [passages, dimension], of length 1 each. */
  readonly passages: Float64Array;
  readonly cosineQuery: Float64Array;
  readonly cosinePositive: Float64Array;
}

async function embedAll(features: readonly PassageFeatures[], embed: EmbedTexts): Promise<PassageVectors> {
  const unit = async (
    texts: readonly string[],
    side: 'query' | 'passage',
  ): Promise<Map<string, Float64Array>> => {
    const distinct = [...new Set(texts)];
    const rows = await embed(distinct, side);
    const width = rows.length / Math.max(1, distinct.length);
    return new Map(
      distinct.map((text, i) => {
        const row = Float64Array.from(rows.subarray(i * width, (i + 1) * width));
        const length = norm(row);
        return [text, row.map((x) => x / Math.max(length, 1e-12))];
      }),
    );
  };
  const positiveOf = ({ list }: PassageFeatures): string =>
    list.documents.find((document) => isPositive(document))?.text ?? '';
  const queries = await unit(
    features.map(({ list }) => list.query),
    'query',
  );
  const texts = await unit(
    features.flatMap((each) => [each.document.text, positiveOf(each)]),
    'passage',
  );
  const vectorOf = (known: Map<string, Float64Array>, text: string): Float64Array =>
    known.get(text) as Float64Array;
  const dimension = texts.values().next().value?.length ?? 0;
  const passages = new Float64Array(features.length * dimension);
  const cosineQuery = new Float64Array(features.length);
  const cosinePositive = new Float64Array(features.length);
  features.forEach((each, at) => {
    const own = vectorOf(texts, each.document.text);
    passages.set(own, at * dimension);
    cosineQuery[at] = dotOf(own, vectorOf(queries, each.list.query));
    cosinePositive[at] = dotOf(own, vectorOf(texts, positiveOf(each)));
  });
  return { dimension, passages, cosineQuery, cosinePositive };
}

function dotOf(left: Float64Array, right: Float64Array): number {
  return left.reduce((sum, x, i) => sum + x * (right[i] as number), 0);
}

/** A passage's vector, its two cosines, and its nearness in words. */
function sampleOf(features: readonly PassageFeatures[], vectors: PassageVectors, source: Source) {
  const { dimension } = vectors;
  const width = dimension + 2 + means.length;
  const rows = new Float64Array(features.length * width);
  features.forEach((each, at) => {
    rows.set(vectors.passages.subarray(at * dimension, (at + 1) * dimension), at * width);
    rows.set(
      [
        vectors.cosineQuery[at] as number,
        vectors.cosinePositive[at] as number,
        ...means.map((name) => each[name]),
      ],
      at * width + dimension,
    );
  });
  return {
    features: rows,
    width,
    isMember: Uint8Array.from(features, ({ document }) => Number(document.source === source)),
    groups: features.map(({ list }) => list.query_id),
  };
}
