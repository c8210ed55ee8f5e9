/**
 * The gradient of MiniLM's word embeddings (30,522 × 384) for a micro-batch of 2,304 tokens, on each runtime and in
 * each way, beside the scatter with addition that the studio avoids: relative error against float64, distinct bit
 * patterns, and the time from the end of the forward pass to the gradient in host memory.
 *
 * Run: npm run bench -- embedding-gradient
 * WebGPU is left out where there is no device; `VK_ICD_FILENAMES` names a driver in software.
 */
import { messageOf } from '../src/core/errors.ts';
import { openRuntime } from '../src/host/node/runtime.ts';
import {
  BitPatterns,
  embeddingCase,
  fullSize,
  openHostAddition,
  repeatOn,
  type EmbeddingCase,
  type Repeatable,
} from '../test/graph/embedding-case.ts';
import { relativeError } from '../test/graph/golden.ts';
import { repeatOnWasm } from '../test/support/wasm.ts';
import { printTable } from './support/measure.ts';

type WayName = keyof EmbeddingCase['ways'];

const wayNames: Readonly<Record<WayName, string>> = {
  host: 'host adds rows',
  device: 'product, scatter of distinct rows',
  scatterWithAddition: 'scatter with addition (avoided)',
};
/** A way stops after this long, however few its repeats. */
const longestMilliseconds = 150_000;
const smaller = { ...fullSize, vocabulary: 4000, width: 128, rows: 8, length: 32 };

const rows: string[][] = [];

async function measure(
  label: string,
  embedding: EmbeddingCase,
  way: WayName,
  repeats: number,
  all: BitPatterns,
  open: () => Promise<Repeatable>,
): Promise<void> {
  const repeatable = await open();
  const addition = way === 'host' ? await openHostAddition(embedding) : undefined;
  const own = new BitPatterns();
  const times: number[] = [];
  const startedAt = performance.now();
  while (times.length < repeats && performance.now() - startedAt < longestMilliseconds) {
    const { values, milliseconds } = await repeatable.run();
    const added = performance.now();
    const gradient = addition?.add(values) ?? values;
    times.push(milliseconds + performance.now() - added);
    own.add(gradient);
    all.add(gradient);
  }
  await addition?.close();
  await repeatable.close();
  const errors = own.patterns.map((values) => relativeError(values, embedding.reference));
  times.sort((a, b) => a - b);
  rows.push([
    label,
    wayNames[way],
    String(times.length),
    Math.max(...errors).toExponential(1),
    String(own.patterns.length),
    times[times.length >> 1]!.toFixed(0),
  ]);
  process.stderr.write(`${rows.at(-1)!.join(' | ')}\n`);
}

const embedding = embeddingCase(fullSize);
const patternsOf: Record<string, BitPatterns> = {};
const patterns = (key: string): BitPatterns => (patternsOf[key] ??= new BitPatterns());

for (const threads of [1, 2, 4]) {
  for (const way of ['host', 'device', 'scatterWithAddition'] as const) {
    const runtime = await openRuntime({ device: 'cpu', threads });
    const repeats = way === 'scatterWithAddition' ? 20 : 50;
    await measure(
      `CPU, threads: ${threads}`,
      embedding,
      way,
      repeats,
      way === 'scatterWithAddition' ? new BitPatterns() : patterns(`CPU, ${way}`),
      () => repeatOn(runtime, embedding, embedding.ways[way]),
    );
    await runtime.close();
  }
}
for (const threads of [1, 2, 4]) {
  for (const way of ['host', 'device', 'scatterWithAddition'] as const) {
    await measure(
      `WebAssembly, threads: ${threads}`,
      embedding,
      way,
      way === 'host' ? 50 : 20,
      way === 'scatterWithAddition' ? new BitPatterns() : patterns(`WebAssembly, ${way}`),
      () => repeatOnWasm(threads, embedding, embedding.ways[way]),
    );
  }
}
try {
  const runtime = await openRuntime({ device: 'webgpu' });
  const small = embeddingCase(smaller);
  for (const way of ['device', 'scatterWithAddition'] as const) {
    await measure('WebGPU, 4,000 × 128, 256 tokens', small, way, 50, new BitPatterns(), () =>
      repeatOn(runtime, small, small.ways[way]),
    );
  }
  await measure('WebGPU', embedding, 'device', 20, new BitPatterns(), () =>
    repeatOn(runtime, embedding, embedding.ways.device),
  );
  await runtime.close();
} catch (error) {
  console.log(`WebGPU left out: ${messageOf(error)}\n`);
}

printTable(['where', 'way', 'repeats', 'largest relative error', 'bit patterns', 'median ms'], rows);
for (const [key, { patterns: distinct }] of Object.entries(patternsOf)) {
  console.log(`${key}: ${distinct.length} bit pattern(s) over all threads`);
}
