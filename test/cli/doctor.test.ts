import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { FolderStore } from '../../src/host/node/store.ts';
import { keptRepeats } from '../../src/training/repeat-test.ts';
import { onlyJson, runCli, temporaryFolder } from '../support/cli.ts';

interface Report {
  readonly ready: boolean;
  readonly checks: readonly {
    readonly name: string;
    readonly status: string;
    readonly found: string;
    readonly remedy: string | null;
    readonly values: Readonly<Record<string, unknown>>;
  }[];
}

describe('doctor', () => {
  // No driver and no browser at these places: what is missing is then the same on every machine with Linux.
  const env = { CHROMIUM_PATH: '/none', VK_ICD_FILENAMES: '/none', VK_DRIVER_FILES: '/none' };

  it('measures what is there, and says what to do about what is not', async () => {
    const { ready, checks } = onlyJson(await runCli(['doctor', '--json'], { env })) as Report;
    const check = (name: string) => checks.find((each) => each.name === name);
    expect(ready).toBe(true);
    expect(checks.map(({ name }) => name)).toEqual([
      'Node',
      'Processor',
      'Memory',
      'Disk',
      'ONNX Runtime',
      'CPU',
      'WebGPU',
      'CUDA',
      'Repeat test',
      'Chromium',
    ]);
    expect(check('Node')).toMatchObject({ status: 'ok', values: { version: process.versions.node } });
    expect(check('CPU')).toMatchObject({ status: 'ok' });
    expect(check('CPU')?.values.gflops).toBeGreaterThan(0.1);
    expect(check('Repeat test')).toMatchObject({ status: 'ok', values: { cpu: true } });
    expect(check('Memory')?.values.availableBytes).toBeGreaterThan(0);
    expect(check('Chromium')).toMatchObject({ status: 'missing', values: { path: null } });
    if (process.platform === 'linux') {
      expect(check('WebGPU')).toMatchObject({
        status: 'missing',
        values: { reason: expect.stringMatching(/adapter/) as string },
      });
    }
    for (const { status, remedy } of checks) expect(remedy === null).toBe(status === 'ok');
  });

  it('prints a line for each thing, and the remedy below it; keeps for reports whether the device repeats', async () => {
    const folder = join(temporaryFolder(), 'store');
    const { code, stdout } = await runCli(['doctor', '--store', folder], { env });
    const runtime = await openRuntime({ device: 'cpu' });
    const store = await FolderStore.open(folder);
    expect(await keptRepeats(store, runtime)).toBe(true);
    await store.close();
    await runtime.close();
    expect(stdout).toMatch(/\n✓ Repeat test +cpu repeats a training step to the bit\n/);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^✓ Node +\d+\.\d+\.\d+ on /);
    expect(stdout).toMatch(/\n– Chromium +neither Chrome nor Chromium found\n +→ .*CHROMIUM_PATH\n/);
    expect(stdout).toMatch(/\nTraining and evaluation can run on this machine\.\n$/);
  });
});
