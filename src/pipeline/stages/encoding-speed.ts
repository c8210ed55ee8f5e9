import type { LoadableEncoder } from '../../encoders/model-library.ts';
import type { ShelvedEncoder } from '../encoder-shelf.ts';
import { withTextEmbedder } from '../pair-scorer.ts';
import { defineStage, noWork, type Stage, type Workshop } from '../stage.ts';

/** What an encoder makes of passages of a corpus on this machine. A type alias, so that it is assignable to Json. */
export type EncodingSpeed = Readonly<{ passagesPerSecond: number; dimensions: number }>;

const measured = defineStage<EncodingSpeed>({ kind: 'encoding-speed', version: 1 });

const mostSampled = 64;
/** Milliseconds that a measurement takes at least: the first passes of a table take next to none. */
const leastTime = 500;
/** Passes at most, whatever the clock says. */
const mostPasses = 1000;

/** How fast an encoder embeds passages of this corpus here, from a sample of them. */
export async function encodingSpeedStage(
  { corpus, runtime }: Pick<Workshop, 'corpus' | 'runtime'>,
  label: string,
  encoder: ShelvedEncoder | LoadableEncoder,
): Promise<Stage<EncodingSpeed>> {
  return measured({
    label: `encoding speed of ${label}`,
    inputs: {
      encoder: encoder.hash,
      passages: corpus.passages.hash,
      fingerprint: { ...runtime.fingerprint },
    },
    needs: [],
    work: { ...noWork, seconds: 2 },
    run: ({ clock }, task) =>
      withTextEmbedder(runtime, encoder, async (embed, dimensions) => {
        const texts = sampleOf(corpus.passages.sample);
        // The first time sessions are made.
        await embed(texts, 'passage');
        const startedAt = clock.now();
        let passes = 0;
        let took = 0;
        while (took < leastTime && passes < mostPasses) {
          await embed(texts, 'passage');
          took = clock.now() - startedAt;
          passes++;
          task.progress(Math.min(took, leastTime), leastTime);
        }
        const value: EncodingSpeed = {
          passagesPerSecond: (1000 * passes * texts.length) / Math.max(took, 0.1),
          dimensions,
        };
        return { value };
      }),
  });
}

function sampleOf(texts: readonly string[]): readonly string[] {
  const every = Math.max(1, Math.ceil(texts.length / mostSampled));
  return texts.filter((_, i) => i % every === 0);
}
