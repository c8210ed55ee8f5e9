/**
 * Started as a process of its own with the name of a device: exits with 0 if ONNX Runtime computes there, else
 * prints why. A broken driver that ends the process ends this one only.
 */
import { InputError, messageOf } from '../../core/errors.ts';
import { copyModel } from './copy-model.ts';
import { openRuntime } from './runtime.ts';

const device = process.argv[2];
if (device !== 'cpu' && device !== 'webgpu' && device !== 'cuda')
  throw new Error('usage: device-probe DEVICE');
try {
  const runtime = await openRuntime({ device, threads: 1 });
  const session = await runtime.createSession(copyModel('float32', [4]), { name: 'probe' });
  const { y } = await session.run({ x: runtime.tensor('float32', [4], Float32Array.of(1, 2, 3, 4)) });
  const values = y === undefined ? [] : [...(await runtime.read(y))];
  if (values.join() !== '1,2,3,4') throw new Error(`it computed ${values.join()} instead of 1,2,3,4`);
  y?.dispose();
  await runtime.close();
} catch (error) {
  const reason = error instanceof InputError && error.cause !== undefined ? error.cause : error;
  process.stdout.write(messageOf(reason));
  process.exitCode = 1;
}
