import { startOf } from '../../host/browser/workers.ts';
import { WorkerChannel } from '../../host/channel.ts';
import type { DemoCalls } from '../demo-protocol.ts';

export type DemoClient = Pick<WorkerChannel<DemoCalls>, 'ask' | 'end' | 'hasEnded'>;

/** Starts the worker that searches the demo corpus before anything is trained. */
export function openDemoWorker(): DemoClient {
  return new WorkerChannel<DemoCalls>(startOf(startWorker), 'the search worker');
}

/** Bundlers look for this very form. */
function startWorker(): Worker {
  return new Worker(new URL('../../../workers/demo.ts', import.meta.url), { type: 'module' });
}
