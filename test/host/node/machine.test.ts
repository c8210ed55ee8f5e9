import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freeDiskBytes, onnxRuntimeBackends, probeDevice } from '../../../src/host/node/machine.ts';
import { temporaryFolder } from '../../support/cli.ts';

describe('probeDevice', () => {
  const probe = (source: string) => join(temporaryFolder({ 'probe.mjs': source }), 'probe.mjs');

  it('believes a probe that ends well', async () => {
    expect(await probeDevice('cpu', probe(''))).toEqual({ works: true });
  });

  it('gives the reason of a probe that fails, on one line', async () => {
    const source =
      "process.stderr.write('noise'); process.stdout.write('no\\n adapter'); process.exitCode = 1;";
    expect(await probeDevice('webgpu', probe(source))).toEqual({ works: false, reason: 'no adapter' });
  });

  it('survives a driver that ends its process', async () => {
    const result = await probeDevice(
      'webgpu',
      probe("process.kill(process.pid, 'SIGSEGV'); await new Promise(() => 0);"),
    );
    expect(result).toMatchObject({ works: false, reason: expect.stringContaining('SIGSEGV') as string });
  });
});

describe('the machine', () => {
  it('has ONNX Runtime with a CPU backend, and a disk', async () => {
    expect(await onnxRuntimeBackends()).toMatchObject({ names: expect.arrayContaining(['cpu']) as string[] });
    expect(await freeDiskBytes('.')).toBeGreaterThan(0);
    expect(await freeDiskBytes('/none/at/all')).toBeUndefined();
  });
});
