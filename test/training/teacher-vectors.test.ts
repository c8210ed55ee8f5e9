/** A training whose teacher scores every query of a batch with every passage of it. */
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/core/errors.ts';
import { RandomStream } from '../../src/core/random.ts';
import { bytesSource } from '../../src/core/source.ts';
import type { ListRecord } from '../../src/corpus/types.ts';
import { parseLossSpec } from '../../src/losses/loss-spec.ts';
import { checkLists } from '../../src/losses/requirements.ts';
import { readTextVectors, writeTextVectors, type TextVectors } from '../../src/retrieval/text-vectors.ts';
import { ListObjective } from '../../src/training/list-objective.ts';
import { TeacherVectors, textsOfLists } from '../../src/training/teacher-vectors.ts';
import { train } from '../../src/training/trainer.ts';
import { smallTraining, smallTrainings } from '../support/small-training.ts';
import { makeLists } from '../support/training-lists.ts';

/** Lists as they come from a source without a teacher. */
const lists = makeLists(24).map((list): ListRecord => ({
  ...list,
  documents: list.documents.map(({ id, text, label = 0, source }) => ({ id, text, label, source })),
}));
const settings = {
  ...smallTraining,
  loss: parseLossSpec('kl(scope=batch, teacherTemperature=0.1)'),
  dropout: { hidden: 0, attention: 0 },
};
const dimension = 20;

/** Of a teacher that knows a text by its words: the sum of their random vectors. */
async function vectorsOf(of: readonly ListRecord[], seed = 1): Promise<TextVectors> {
  const { queries, passages } = textsOfLists(of);
  const vectorOf = (text: string): number[] => {
    const words = text.split(' ').map((word) => new RandomStream(seed, word));
    return Array.from({ length: dimension }, () => words.reduce((sum, word) => sum + word.normal(), 0));
  };
  const embedded = (texts: readonly string[]) => ({
    texts,
    vectors: Float32Array.from(texts.flatMap(vectorOf)),
  });
  const content = { queries: embedded(queries), passages: embedded(passages), dimension, model: 'words' };
  return readTextVectors(bytesSource('vectors', await writeTextVectors(content)));
}

describe('kl over the batch', () => {
  const { parts, openCheckpoints } = smallTrainings(lists, settings);

  it("needs no teacher scores in the lists, and learns the teacher's similarities", async () => {
    expect(checkLists(settings.loss, lists).withoutTeacher).toBe(0);
    const teacherVectors = await vectorsOf(lists);
    const { history } = await train(
      parts({ teacherVectors, settings: { ...settings, epochs: 10, learningRate: 3e-3 } }),
    );
    const mean = (part: readonly number[]): number => part.reduce((a, b) => a + b, 0) / part.length;
    expect(mean(history.losses.slice(-6))).toBeLessThan(0.8 * mean(history.losses.slice(0, 6)));
  });

  it('is the same however the gradient cache cuts its batches', async () => {
    const teacherVectors = await vectorsOf(lists);
    const lossesWith = async (tokensPerMicroBatch: number): Promise<readonly number[]> => {
      const cut = { ...settings, tokensPerMicroBatch, epochs: 1, learningRate: 1e-4 };
      return (await train(parts({ teacherVectors, settings: cut }))).history.losses;
    };
    const [small, whole] = [await lossesWith(48), await lossesWith(4096)];
    expect(small).toHaveLength(6);
    small.forEach((value, step) => expect(Math.abs(value / whole[step]! - 1)).toBeLessThan(1e-6));
  });

  it('is refused without vectors, and with vectors of other texts, before any step', async () => {
    await expect(train(parts())).rejects.toThrow(InputError);
    await expect(train(parts())).rejects.toThrow(
      "kl over the batch needs a teacher's vectors of all queries and passages. Use an encoder or a file of vectors",
    );
    const others = lists.map((list) => ({ ...list, query: `${list.query}?` }));
    await expect(train(parts({ teacherVectors: await vectorsOf(others) }))).rejects.toThrow(
      /^vectors: no vectors for \d+ of \d+ queries, such as /,
    );
  });

  it('is another training with other vectors, which a resumed one tells', async () => {
    const begin = async (seed: number) =>
      train(
        parts({ teacherVectors: await vectorsOf(lists, seed), checkpoints: await openCheckpoints('one') }),
      );
    expect((await begin(1)).breaks).toEqual([]);
    expect((await begin(1)).breaks).toEqual([]);
    expect((await begin(2)).breaks.join()).toContain('the configuration was changed');
  });

  it('counts a document that stands in several lists once', async () => {
    const [first, second] = lists as [ListRecord, ListRecord];
    const copied = { ...second, documents: [...second.documents, ...first.documents] };
    const vectors = await vectorsOf([first, copied]);
    const valueOf = async (of: readonly ListRecord[]): Promise<number> => {
      const batches = {
        ...settings.batches,
        batchSize: 2,
        negatives: 'all',
        distinctPassages: false,
      } as const;
      const teacher = await TeacherVectors.of(vectors, of);
      const batch = new ListObjective(of, { ...settings, batches }, true, teacher).batch(0, 0);
      // Equal texts have equal vectors, as without dropout.
      const embedded = (texts: readonly string[]): Float32Array<ArrayBuffer> =>
        Float32Array.from(
          texts.flatMap((text) => {
            const random = new RandomStream(1, text);
            return [random.normal(), random.normal(), random.normal()];
          }),
        );
      return (await batch.loss(embedded(batch.queries), embedded(batch.passages), 3)).value;
    };
    expect(await valueOf([first, copied])).toBeCloseTo(await valueOf([first, second]), 12);
  });
});
