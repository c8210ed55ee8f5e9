/** Passages per second of the studio's own encoding, of as many tokens each. */
import { uploadWeights } from '../../../src/encoders/device-weights.ts';
import { Embedder } from '../../../src/encoders/embedder.ts';
import { RandomStream } from '../../../src/host/random.ts';
import { encoderShapes, randomTokens, randomWeights, tokensOnly } from '../../support/random-encoder.ts';
import { attempt, onWebGpu, small } from './part.ts';

const shape = small ? encoderShapes.tiny : encoderShapes['MiniLM-L6'];
const passages = small ? 8 : 1024;
const milliseconds = small ? 0 : 6000;

await onWebGpu(async (runtime) => {
  const weights = await uploadWeights(runtime, randomWeights(shape));
  for (const tokens of small ? [8, 16] : [128, 256]) {
    await attempt(`encoding passages of ${tokens} tokens`, 'WebGPU', async () => {
      const stream = new RandomStream(1, 'texts');
      const sequences = Array.from({ length: passages }, () => randomTokens(stream, shape, tokens));
      const description = tokensOnly(shape, tokens);
      const encoder = {
        ...description,
        // A text is the number of a sequence: tokenizing is not measured.
        tokenizer: {
          ...description.tokenizer,
          encode: (text: string) => sequences[Number(text)] ?? new Int32Array(),
        },
      };
      const embedder = new Embedder(runtime, encoder, () => weights);
      const texts = sequences.map((_, i) => String(i));
      try {
        await embedder.embed(texts, 'passage');
        let seconds = 0;
        let rounds = 0;
        while (rounds === 0 || seconds * 1000 < milliseconds) {
          const start = performance.now();
          await embedder.embed(texts, 'passage');
          seconds += (performance.now() - start) / 1000;
          rounds++;
        }
        return {
          value: (passages * rounds) / seconds,
          unit: 'passages/s',
          note: `MiniLM-L6’s ${small ? 'tokens in a tiny shape' : 'shape'}, random weights, fp32, tokenizing not counted`,
        };
      } finally {
        await embedder.close();
      }
    });
  }
});
