import type { ListRecord } from '../../corpus/types.ts';
import { isPositive } from '../../corpus/text-key.ts';
import { parseLossSpec } from '../../losses/loss-spec.ts';
import { diagnoseSources, type SourceDiagnosis } from '../../mining/diagnostics/diagnose.ts';
import { withEmbedder, type ShelvedEncoder } from '../encoder-shelf.ts';
import type { RecipeDiagnostics } from '../schema.ts';
import { encodingFlops, makeStage, noWork, type Stage } from '../stage.ts';
import { sampleOf } from '../written-about.ts';

/** Of each source that a recipe wants looked at. */
export type DiagnosisReport = readonly SourceDiagnosis[];

/** A source of a recipe, whoever its passages came from: with several sources of one model they stay apart. */
export interface DiagnosedSource {
  readonly name: string;
  readonly lists: Stage;
  /** Of the whole source, about. */
  readonly passages: number;
}

/** What the negatives of sources look like beside each other. */
export async function diagnosedStage(
  { loss, sample, seed }: Omit<RecipeDiagnostics, 'sources'>,
  sources: readonly DiagnosedSource[],
  { model, hash }: ShelvedEncoder,
): Promise<Stage> {
  const texts = sources.reduce((sum, { passages }) => sum + passages, 0);
  return makeStage({
    kind: 'diagnosed',
    label: 'what the sources look like',
    inputs: {
      ...{ loss, sample, seed, encoder: hash, normalize: model.encoding.normalize },
      sources: sources.map(({ name, lists }) => [name, lists.key]),
    },
    needs: sources.map(({ lists }) => lists),
    // Vectors are made for the table, and again for the gradients.
    work: { ...noWork, forwardFlops: 2 * encodingFlops(model, texts, model.encoding.passageMaxLength / 2) },
    run: async (workshop) => {
      const all: ListRecord[] = [];
      for (const { name, lists } of sources) {
        const chosen = sampleOf(await workshop.listsOf(lists), { sample, seed });
        all.push(...chosen.map((list) => attributed(list, name)));
      }
      const value: DiagnosisReport = await withEmbedder(workshop.runtime, model, (embedder) =>
        diagnoseSources(all, {
          embed: (batch, side) => embedder.embed(batch, side),
          loss: parseLossSpec(loss),
          seed,
        }),
      );
      return { value };
    },
  });
}

/** The list with all its negatives under the name of the recipe's source. */
function attributed(list: ListRecord, source: string): ListRecord {
  const documents = list.documents.map((each) => (isPositive(each) ? each : { ...each, source }));
  return { ...list, documents };
}
