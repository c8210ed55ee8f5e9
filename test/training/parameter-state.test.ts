import { it } from 'vitest';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { checkRestoreClearsGradients } from './restored-gradients.ts';

it('restoring clears gradients on the CPU', async () => {
  const runtime = await openRuntime({ device: 'cpu', threads: 1 });
  await checkRestoreClearsGradients(runtime);
  await runtime.close();
});
