/**
 * What a checkpoint of all-MiniLM-L6's shape with moments (272 MB) costs to save and to load, beside the plain
 * writing and reading of as many bytes.
 *
 * Run: npm run bench -- checkpoint [FOLDER]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomic } from '../src/host/node/atomic-file.ts';
import { nodeFiles } from '../src/host/node/file-operations.ts';
import { fromFloat32, writeSafetensors } from '../src/formats/safetensors.ts';
import { FolderStore } from '../src/host/node/store.ts';
import type { TrainingCheckpoint } from '../src/training/checkpoint-state.ts';
import { CheckpointStore } from '../src/training/checkpoint.ts';

const REPEATS = 5;

function miniLmShapes(): Map<string, number[]> {
  const shapes = new Map<string, number[]>([
    ['embeddings.word_embeddings.weight', [30522, 384]],
    ['embeddings.position_embeddings.weight', [512, 384]],
    ['embeddings.token_type_embeddings.weight', [2, 384]],
    ['embeddings.LayerNorm.weight', [384]],
    ['embeddings.LayerNorm.bias', [384]],
  ]);
  for (let layer = 0; layer < 6; layer++) {
    const linear = (name: string, out: number, input: number) => {
      shapes.set(`encoder.layer.${layer}.${name}.weight`, [out, input]);
      shapes.set(`encoder.layer.${layer}.${name}.bias`, [out]);
    };
    for (const part of ['self.query', 'self.key', 'self.value', 'output.dense'])
      linear(`attention.${part}`, 384, 384);
    linear('intermediate.dense', 1536, 384);
    linear('output.dense', 384, 1536);
    for (const norm of ['attention.output.LayerNorm', 'output.LayerNorm']) {
      shapes.set(`encoder.layer.${layer}.${norm}.weight`, [384]);
      shapes.set(`encoder.layer.${layer}.${norm}.bias`, [384]);
    }
  }
  return shapes;
}

/** Every value differs from step to step in the tensors that are trained. */
function checkpointOf(step: number, isTrained: (name: string) => boolean): TrainingCheckpoint {
  const fill = (size: number, offset: number) => {
    const data = new Float32Array(size);
    for (let i = 0; i < size; i++) data[i] = Math.sin(i * 0.001 + offset);
    return data;
  };
  const weights = new Map<string, { dims: number[]; data: Float32Array<ArrayBuffer> }>();
  const moments = {
    first: new Map<string, Float32Array<ArrayBuffer>>(),
    second: new Map<string, Float32Array<ArrayBuffer>>(),
  };
  for (const [name, dims] of miniLmShapes()) {
    const size = dims.reduce((a, b) => a * b, 1);
    weights.set(name, { dims, data: fill(size, isTrained(name) ? step : 0) });
    if (!isTrained(name)) continue;
    moments.first.set(name, fill(size, step + 0.3));
    moments.second.set(name, fill(size, step + 0.6));
  }
  const state = {
    step,
    epoch: 0,
    seed: 0,
    optimizerStep: step,
    recipeHash: '',
    plan: {},
    earlyStopping: null,
    history: [],
    fingerprint: {},
    breaks: [],
  };
  return { state, weights, moments };
}

/** The same tensors as one file. */
function plainFile({ weights, moments }: TrainingCheckpoint): Uint8Array<ArrayBuffer> {
  const tensors = [...weights].flatMap(([name, { dims, data }]) =>
    [data, ...[moments.first.get(name), moments.second.get(name)].filter((each) => each !== undefined)].map(
      (values, i) => [`${name}@${i}`, fromFloat32(dims, values)] as const,
    ),
  );
  return writeSafetensors(new Map(tensors));
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function report(name: string, times: readonly number[], bytes: number): void {
  const sorted = [...times].sort((a, b) => a - b);
  const median = sorted[sorted.length >> 1] ?? NaN;
  const line = {
    name,
    megabytes: Math.round(bytes / 1e6),
    medianMs: Math.round(median),
    minMs: Math.round(sorted[0] ?? NaN),
    maxMs: Math.round(sorted.at(-1) ?? NaN),
    megabytesPerSecond: Math.round(bytes / 1e3 / median),
  };
  console.log(JSON.stringify(line));
}

async function measure(folder: string): Promise<void> {
  const store = await FolderStore.open(join(folder, 'store'));
  const full = { file: 0, write: [] as number[], read: [] as number[] };
  for (let i = 0; i < REPEATS; i++) {
    const bytes = plainFile(checkpointOf(i, () => true));
    full.file = bytes.length;
    const path = join(folder, 'plain.safetensors');
    full.write.push(await milliseconds(() => writeFileAtomic(path, bytes)));
    full.read.push(await milliseconds(() => nodeFiles.read(path)));
  }
  report('plain file, written and flushed', full.write, full.file);
  report('plain file, read', full.read, full.file);

  const cases = {
    'all weights trained': () => true,
    'all but word embeddings trained': (name: string) => !name.includes('word_embeddings'),
    'last layer trained': (name: string) => name.includes('layer.5.'),
  };
  for (const [name, isTrained] of Object.entries(cases)) {
    const namespace = name.replaceAll(' ', '-');
    const checkpoints = new CheckpointStore(await store.openWriter(namespace), store);
    const saves: number[] = [];
    for (let step = 0; step < REPEATS + 1; step++) {
      const checkpoint = checkpointOf(step, isTrained);
      const time = await milliseconds(() => checkpoints.save(checkpoint));
      // The first one also writes what never changes.
      if (step > 0) saves.push(time);
    }
    const bytes = (await checkpoints.list())[0]?.bytes ?? 0;
    report(`save, ${name}`, saves, bytes);
    const loads: number[] = [];
    for (let i = 0; i < REPEATS; i++) loads.push(await milliseconds(() => checkpoints.loadLatest()));
    report(`load with every hash checked, ${name}`, loads, bytes);
  }
  const peak = process.resourceUsage().maxRSS * 1024;
  console.log(JSON.stringify({ node: process.version, peakMegabytes: Math.round(peak / 1e6) }));
}

const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'bench-checkpoint-'));
try {
  await measure(folder);
} finally {
  rmSync(folder, { recursive: true });
}
