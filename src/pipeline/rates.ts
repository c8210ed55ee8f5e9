import type { ListRecord } from '../corpus/types.ts';
import { tokenizeSide } from '../encoders/embedder.ts';
import { tableFamilyOf } from '../encoders/families/index.ts';
import { parseLossSpec } from '../losses/loss-spec.ts';
import { measureMatmulRate } from '../graph/matmul-rate.ts';
import { forwardFlops } from '../training/flops.ts';
import { train } from '../training/trainer.ts';
import { withEmbedder, type ShelvedEncoder } from './encoder-shelf.ts';
import { defineStage, noWork, type Stage, type Work, type Workshop } from './stage.ts';
import { trainingSettings } from './training-settings.ts';

/** Floating-point operations per second that this machine reaches with an encoder on texts of this corpus. */
export type Rates = Readonly<{
  forward: number;
  training: number;
  /** Of plain matrix products, which trainings by graphs are measured against; 0 where there are none. */
  matmul: number;
  /** Of forward passes by graphs, such as a teacher's, where what is trained is a table. */
  graphs?: number;
}>;

const measuredRates = defineStage<Rates>({ kind: 'rates', version: 2 });
const measuredProduct = defineStage<number>({ kind: 'matmul-rate', version: 1 });

/** What is measured costs about this much; a sample has four texts at least. */
const sampleFlops = 1e9;

/** Measures both rates on a few texts: an estimate, good to a factor of two. */
export async function ratesStage(
  { corpus, runtime }: Pick<Workshop, 'corpus' | 'runtime'>,
  encoder: ShelvedEncoder,
): Promise<Stage<Rates>> {
  return measuredRates({
    label: 'speed of this computer',
    inputs: {
      // Neither its weights nor the longest text that it reads makes its operations slower.
      shape: { ...encoder.model.shape },
      passages: corpus.passages.hash,
      fingerprint: { ...runtime.fingerprint },
    },
    needs: [],
    work: { ...noWork, seconds: 2 },
    run: async (workshop) => {
      const texts = sampleTexts(workshop, encoder);
      // In this order: what a browser has just loaded runs several times slower at first.
      const matmul = tableFamilyOf(encoder.model.shape) === undefined ? await workshop.matmulRate() : 0;
      const training = await trainingRate(workshop, encoder, texts);
      const forward = await forwardRate(workshop, encoder, texts);
      const value: Rates = { forward, training, matmul };
      return { value };
    },
  });
}

/** The machine's rate of plain matrix products. */
export function productRateStage({ runtime }: Pick<Workshop, 'runtime'>): Promise<Stage<number>> {
  return measuredProduct({
    label: "this machine's rate of products",
    inputs: { fingerprint: { ...runtime.fingerprint } },
    needs: [],
    work: { ...noWork, seconds: 1 },
    run: async ({ clock }) => ({ value: await measureMatmulRate(runtime, clock) }),
  });
}

/** What forward passes of a transformer reach of the rate of plain products, about. */
export const shareOfProducts = 0.4;

function sampleTexts({ corpus }: Workshop, { model }: ShelvedEncoder): string[] {
  const { sample } = corpus.passages;
  const every = Math.max(1, Math.floor(sample.length / 64));
  const texts: string[] = [];
  let flops = 0;
  for (let i = 0; i < sample.length && texts.length < 64; i += every) {
    const text = sample[i] ?? '';
    texts.push(text);
    flops += forwardFlops(model.shape, tokenizeSide(model, text, 'passage').length);
    if (flops > sampleFlops && texts.length >= 4) break;
  }
  return texts;
}

async function forwardRate(
  { runtime, clock }: Workshop,
  { model }: ShelvedEncoder,
  texts: readonly string[],
): Promise<number> {
  return withEmbedder(runtime, model, async (embedder) => {
    // The first time sessions are made.
    await embedder.embed(texts, 'passage');
    const startedAt = clock.now();
    await embedder.embed(texts, 'passage');
    const flops = texts.reduce(
      (sum, text) => sum + forwardFlops(model.shape, embedder.tokenize(text, 'passage').length),
      0,
    );
    return perSecond(flops, clock.now() - startedAt);
  });
}

async function trainingRate(
  workshop: Workshop,
  { model }: ShelvedEncoder,
  texts: readonly string[],
): Promise<number> {
  const { runtime, clock, version } = workshop;
  const passages = texts.map((text, i) => ({ id: `${i}`, text: text || 'a passage', source: 'sample' }));
  const lists: ListRecord[] = Array.from(
    { length: Math.max(1, Math.floor(texts.length / passagesPerList)) },
    (_, row) => ({
      query_id: `${row}`,
      query: (texts[row * passagesPerList] ?? 'a query').slice(0, 80) || 'a query',
      documents: passages
        .slice(row * passagesPerList, (row + 1) * passagesPerList)
        .map((passage, i) => ({ ...passage, label: i === 0 ? 1 : 0 })),
    }),
  );
  const ends: number[] = [];
  await train({
    runtime,
    encoder: model,
    lists,
    clock,
    version,
    matmulRate: () => workshop.matmulRate(),
    settings: trainingSettings(
      {
        learningRate: 1e-9,
        epochs: 2,
        batches: { batchSize: lists.length, rowPer: 'list', distinctPassages: false, incomplete: 'keep' },
      },
      parseLossSpec('infonce'),
      0,
      () => 2,
      model.shape,
    ),
    onEvent: (event) => {
      if (event.kind === 'step') ends.push(clock.now());
    },
  });
  const flops = lists
    .flatMap(({ query, documents }) => [
      tokenizeSide(model, query, 'query').length,
      ...documents.map(({ text }) => tokenizeSide(model, text, 'passage').length),
    ])
    .reduce((sum, tokens) => sum + 3 * forwardFlops(model.shape, tokens), 0);
  return perSecond(flops, (ends[1] ?? 0) - (ends[0] ?? 0));
}

const passagesPerList = 4;

function perSecond(flops: number, milliseconds: number): number {
  return (Math.max(flops, 1) * 1000) / Math.max(milliseconds, 0.1);
}

/** How long work takes at these rates. */
export function secondsOf(
  { forwardFlops: forward, by, trainingFlops, seconds }: Work,
  rates: Rates | undefined,
): number {
  if (rates === undefined) return seconds;
  const forwardRate = by === 'graphs' ? (rates.graphs ?? rates.forward) : rates.forward;
  return forward / forwardRate + trainingFlops / rates.training + seconds;
}
