/**
 * What the studio asks of a GPU in Node for a warm training step and for encoding 1,000 passages, at full size. With
 * `--device cpu` (the default) the CPU computes the graphs of a GPU, so that any machine can count them.
 *
 *     npm run bench -- gpu-counts --device cpu
 */
import { parseArgs } from 'node:util';
import { openRuntime } from '../src/host/node/runtime.ts';
import { countRuntime, type RuntimeCalls } from './support/counted-runtime.ts';
import { printTable } from './support/measure.ts';
import { encoderShapes } from './support/random-encoder.ts';
import { encodingWorkload, trainingWorkload } from './support/workload.ts';

const { values } = parseArgs({
  options: {
    device: { type: 'string', default: 'cpu' },
    'micro-batch-tokens': { type: 'string', default: 'auto' },
  },
});
const tokens = values['micro-batch-tokens'];
const device = values.device as 'cpu' | 'webgpu';
const counted = countRuntime(await openRuntime({ device }), { asDevice: device === 'cpu' });

function row(what: string, calls: RuntimeCalls): string[] {
  const runs = Object.entries(calls.runs).map(([kind, { count }]) => `${count} ${kind}`);
  return [
    what,
    runs.join(', '),
    String(calls.reads.count),
    calls.reads.bytes.toLocaleString('en'),
    String(calls.uploads.count),
    calls.uploads.bytes.toLocaleString('en'),
    String(calls.createdTensors),
  ];
}

const rows: string[][] = [];
for (const model of ['MiniLM-L6', 'nano'] as const) {
  const shape = encoderShapes[model];
  const training = await trainingWorkload(counted.runtime, shape, {
    tokensPerMicroBatch: tokens === 'auto' ? tokens : Number(tokens),
  });
  await training.step();
  counted.take();
  await training.step();
  rows.push(row(`${model}, a training step`, counted.take()));
  await training.close();
  const encoding = await encodingWorkload(counted.runtime, shape, 1000);
  counted.take();
  await encoding.encode();
  rows.push(row(`${model}, encoding 1,000 passages`, counted.take()));
  await encoding.close();
}
await counted.runtime.close();
printTable(
  ['what', 'runs', 'waiting reads', 'bytes read', 'host tensors sent', 'bytes sent', 'tensors made'],
  rows,
);
