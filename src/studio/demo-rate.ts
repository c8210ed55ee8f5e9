/** How fast this computer trains the demo's students: real steps on made-up texts, before anything is downloaded. */
import { defaultAdamW } from '../training/optimizer.ts';
import { staticEmbedding } from '../encoders/families/static.ts';
import type { EncoderModel, EncoderShape } from '../encoders/types.ts';
import type { Clock } from '../host/contract.ts';
import { parseLossSpec } from '../losses/loss-spec.ts';
import { DocumentNumbers, layOutBatch } from '../training/batch-layout.ts';
import { batchLoss } from '../training/similarity.ts';
import { TableTrainable } from '../training/table-trainable.ts';

/** As the demo's encoder, but for its vocabulary: fewer rows are made faster, and are still more than a cache holds. */
const sizes = { vocabSize: 8192, hiddenSize: 128, teacher: 128 };
const tokens = { query: 10, passage: 34 };
const passagesOfList = 9;
/** A quarter of a batch: a step of it has a quarter of the texts and a sixteenth of the scores. */
const lists = 16;
const losses = ['infonce(temperature=0.05)', 'kl(temperature=0.05, teacherTemperature=0.05, scope=batch)'];
/** Milliseconds since the call: until then the engine still compiles, which takes several times as long … */
const warmUpEnds = 140;
/** … and until then steps are measured. */
const measurementEnds = 270;

/**
 * Milliseconds of a small training step, the mean of both students: the lower quartile of what was measured, because
 * other programs interrupt some steps. Takes at most 300 ms, but for a computer whose single step takes longer.
 */
export async function measureStep(clock: Pick<Clock, 'now'>): Promise<number> {
  const now = (): number => clock.now();
  const startedAt = now();
  const step = smallSteps();
  do await step();
  while (now() - startedAt < warmUpEnds);
  const measured: number[] = [];
  do {
    const before = now();
    const steps = await step();
    measured.push((now() - before) / steps);
  } while (now() - startedAt < measurementEnds);
  return measured.sort((a, b) => a - b)[Math.floor(measured.length / 4)] ?? 0;
}

/** @returns does a step of each student, and says how many that were */
function smallSteps(): () => Promise<number> {
  let state = 1;
  /** Between 0 and 1; of a quality that suffices for made-up texts. */
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const vectors = (rows: number, width: number): Float32Array<ArrayBuffer> => {
    const values = new Float32Array(rows * width);
    for (let i = 0; i < values.length; i++) values[i] = random() - 0.5;
    return values;
  };
  // Words of a text are frequent ones, mostly.
  const text = (length: number): Int32Array<ArrayBuffer> =>
    Int32Array.from({ length }, () => Math.floor(sizes.vocabSize * random() * random() * random()));
  const trainable = new TableTrainable({}, madeUpEncoder(vectors), defaultAdamW);
  const queries = Array.from({ length: lists }, () => text(tokens.query));
  const passages = Array.from({ length: lists * passagesOfList }, () => text(tokens.passage));
  const layout = {
    ...layOutBatch(madeUpLists(), new DocumentNumbers()),
    teacherVectors: {
      queries: vectors(queries.length, sizes.teacher),
      passages: vectors(passages.length, sizes.teacher),
      dimension: sizes.teacher,
    },
  };
  const specs = losses.map((loss) => parseLossSpec(loss));
  let count = 0;
  return async () => {
    for (const spec of specs) {
      await trainable.gradients({ queries, passages }, (queryVectors, passageVectors) =>
        batchLoss(
          spec,
          { queries: queryVectors, passages: passageVectors, dimension: sizes.hiddenSize },
          layout,
          { similarity: 'dot' },
        ),
      );
      await trainable.update(1e-9, ++count);
    }
    return specs.length;
  };
}

function madeUpEncoder(vectors: (rows: number, width: number) => Float32Array<ArrayBuffer>): EncoderModel {
  const { vocabSize, hiddenSize } = sizes;
  const shape: EncoderShape = {
    ...{ family: staticEmbedding.name, vocabSize, hiddenSize },
    ...{ layers: 0, heads: 1, intermediateSize: 0, maxPositions: 512, segments: 0 },
    ...{ layerNormEpsilon: 0, hiddenDropout: 0, attentionDropout: 0 },
    activation: 'relu',
  };
  const table = { dims: [vocabSize, hiddenSize], data: vectors(vocabSize, hiddenSize) };
  return {
    name: 'made up',
    shape,
    encoding: {
      ...{ pooling: 'mean', normalize: true, queryPrefix: '', passagePrefix: '' },
      ...{ queryMaxLength: 512, passageMaxLength: 512 },
    },
    weights: new Map([[staticEmbedding.wordEmbeddings, table]]),
    // Its texts are tokens already.
    tokenizer: {
      vocabSize,
      padId: 0,
      encode: () => new Int32Array(),
      encodePair: () => ({ ids: new Int32Array(), segments: new Int32Array() }),
    },
    baggage: { config: {}, files: new Map(), license: undefined },
  };
}

function madeUpLists() {
  return Array.from({ length: lists }, (_, list) => {
    const documents = Array.from({ length: passagesOfList }, (_, i) => ({
      ...{ id: `${list}/${i}`, text: `${list}/${i}`, source: 'made up' },
      label: i === 0 ? 1 : 0,
    }));
    return { record: { query_id: `${list}`, query: `${list}`, documents }, documents, positive: 0 };
  });
}
