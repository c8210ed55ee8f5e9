import { messageOf } from '../../../src/core/errors.ts';
import { openRuntime } from '../../../src/host/browser/runtime.ts';
import { encoderShapes } from '../../support/random-encoder.ts';
import { timeSteps } from '../../support/timed-steps.ts';
import type { StepsAnswer, StepsRequest } from './protocol.ts';

async function measure({ shape: name, work, limits }: StepsRequest): Promise<StepsAnswer> {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  const { runtime } = await openRuntime({ device: 'webgpu' });
  const steps = await timeSteps(runtime, encoderShapes[name], work, limits);
  await runtime.close();
  const { vendor, architecture, description } = adapter?.info ?? {
    vendor: '',
    architecture: '',
    description: '',
  };
  return { steps, adapter: [vendor, architecture, description].filter((word) => word !== '').join(' ') };
}

self.onmessage = async ({ data }: MessageEvent<StepsRequest>) => {
  self.postMessage(await measure(data).catch((error: unknown) => ({ failed: messageOf(error) })));
};
