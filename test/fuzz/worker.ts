import { parentPort, workerData } from 'node:worker_threads';
import type { FuzzFormat } from './format.ts';
import { catchLateErrors, isFault, judge, makeInput, refusedExample } from './judge.ts';
import { progressFields, type Answer, type Request, type WorkerSettings } from './protocol.ts';

const settings = workerData as WorkerSettings;
const { formats } = (await import(settings.formats)) as { formats: readonly FuzzFormat[] };
const format = formats.find(({ name }) => name === settings.format);
if (format === undefined || parentPort === null) throw new Error(`there is no format ${settings.format}`);
const port = parentPort;
const progress = new Int32Array(settings.progress);
const tell = (answer: Answer): void => port.postMessage(answer);

async function range(known: FuzzFormat, from: number, to: number): Promise<void> {
  for (let input = from; input < to; input++) {
    Atomics.store(progress, progressFields.input, input);
    const found = await judge(known, makeInput(known, settings.seed, input));
    const verdict = found === 'refused' && input < known.examples.length ? refusedExample : found;
    if (isFault(verdict)) tell({ kind: 'fault', input, verdict });
    Atomics.add(progress, isFault(verdict) ? progressFields.faults : progressFields[verdict], 1);
  }
  tell({ kind: 'done' });
}

port.on('message', (request: Request) => {
  if (request.kind === 'range') void range(format, request.from, request.to);
  else void judge(format, request).then((verdict) => tell({ kind: 'verdict', verdict }));
});
catchLateErrors();
tell({ kind: 'ready' });
