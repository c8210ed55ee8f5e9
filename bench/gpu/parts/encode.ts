/** Passages per second of the studio's own encoding, of as many tokens each. */
import { encoderShapes } from '../../support/random-encoder.ts';
import { encodingWorkload } from '../../support/workload.ts';
import { attempt, onWebGpu, small } from './part.ts';

const shape = small ? encoderShapes.tiny : encoderShapes['MiniLM-L6'];
const passages = small ? 8 : 1024;
const milliseconds = small ? 0 : 6000;

await onWebGpu(async (runtime) => {
  for (const tokens of small ? [8, 16] : [128, 256]) {
    await attempt(`encoding passages of ${tokens} tokens`, 'WebGPU', async () => {
      const encoding = await encodingWorkload(runtime, shape, passages, tokens);
      try {
        await encoding.encode();
        let seconds = 0;
        let rounds = 0;
        while (rounds === 0 || seconds * 1000 < milliseconds) {
          const start = performance.now();
          await encoding.encode();
          seconds += (performance.now() - start) / 1000;
          rounds++;
        }
        return {
          value: (passages * rounds) / seconds,
          unit: 'passages/s',
          note: `MiniLM-L6’s ${small ? 'tokens in a tiny shape' : 'shape'}, random weights, fp32, tokenizing not counted`,
        };
      } finally {
        await encoding.close();
      }
    });
  }
});
