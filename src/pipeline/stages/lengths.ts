import type { EncoderModel } from '../../encoders/types.ts';
import type { ShelvedEncoder } from '../encoder-shelf.ts';
import type { QuerySet } from '../query-set.ts';
import { defineStage, noWork, type Stage, type Workshop } from '../stage.ts';

interface Text {
  readonly text: string;
}

/** How many texts are longer than the encoder looks at. */
export type LengthsReport = Readonly<{
  passages: number;
  cutPassages: number;
  passageMaxLength: number;
  queries: number;
  cutQueries: number;
  queryMaxLength: number;
}>;

const lengths = defineStage<LengthsReport>({
  kind: 'lengths',
  version: 1,
  exclusions: (found) => [
    `passages truncated to ${found.passageMaxLength} tokens: ${found.cutPassages} of ${found.passages}; ` +
      `test queries truncated to ${found.queryMaxLength} tokens: ${found.cutQueries} of ${found.queries}`,
  ],
});

/** Counts the passages and test queries that are cut at the maximum lengths. */
export async function lengthsStage(
  { corpus, test }: Pick<Workshop, 'corpus'> & { readonly test: QuerySet },
  { model, hash }: ShelvedEncoder,
): Promise<Stage<LengthsReport>> {
  return lengths({
    label: 'text lengths',
    inputs: { passages: corpus.passages.hash, queries: test.input, encoder: hash },
    needs: test.needs,
    work: { ...noWork, seconds: corpus.passages.size * 2e-4 },
    run: async (workshop, task) => {
      const { queryMaxLength, passageMaxLength, queryPrefix, passagePrefix } = model.encoding;
      const { queries } = await test.open(workshop);
      let done = 0;
      const count = async (
        texts: Iterable<Text> | AsyncIterable<Text>,
        prefix: string,
        most: number,
      ): Promise<number> => {
        let cut = 0;
        for await (const { text } of texts) {
          if (isCut(model, prefix + text, most)) cut++;
          if (++done % 256 === 0) task.progress(done, corpus.passages.size + queries.length);
        }
        return cut;
      };
      const value: LengthsReport = {
        passages: corpus.passages.size,
        cutPassages: await count(corpus.passages.read(), passagePrefix, passageMaxLength),
        passageMaxLength,
        queries: queries.length,
        cutQueries: await count(queries, queryPrefix, queryMaxLength),
        queryMaxLength,
      };
      return { value };
    },
  });
}

/** A text of fewer characters than tokens it may have is short enough without looking. */
function isCut({ tokenizer }: EncoderModel, text: string, most: number): boolean {
  return text.length > most - 2 && tokenizer.encode(text, most + 1).length > most;
}
