import { availableParallelism, cpus, totalmem } from 'node:os';
import type { Command } from 'commander';
import type { Json } from '../../core/json.ts';
import { InputError, messageOf } from '../../core/errors.ts';
import { nodeClock } from '../../host/node/clock.ts';
import {
  cudaProviderLibraries,
  findChromium,
  freeDiskBytes,
  nvidiaGpus,
  onnxRuntimeBackends,
  probeDevice,
} from '../../host/node/machine.ts';
import { openStore } from '../input-files.ts';
import type { CliIo } from '../io.ts';

/** One thing the studio can use: is it there, and what to do if not. */
interface Check {
  readonly name: string;
  /** `missing` things are optional, `failing` ones are not. */
  readonly status: 'ok' | 'missing' | 'failing';
  readonly found: string;
  readonly remedy?: string;
  /** The figures behind the words, under `--json`. */
  readonly values?: Readonly<Record<string, Json>>;
}

export function registerDoctor(program: Command, io: CliIo): void {
  program
    .command('doctor')
    .description('Report what this machine can run, and how to install what is missing.')
    .option('--store <dir>', 'keep what the repeat test finds for the reports of this store (run --store)')
    .action((options: DoctorOptions) => examine(io, options));
}

interface DoctorOptions {
  readonly store?: string;
}

async function examine(io: CliIo, { store }: DoctorOptions): Promise<void> {
  const checks: Check[] = [];
  for (const check of [
    checkNode,
    checkProcessor,
    checkMemory,
    checkDisk,
    checkOnnxRuntime,
    checkCpuRate,
    checkWebGpu,
    checkCuda,
    () => checkRepeats(checks, store, io),
    checkChromium,
  ]) {
    const result = await check();
    checks.push(result);
    io.print(`${marks[result.status]} ${result.name.padEnd(12)} ${result.found}`);
    if (result.remedy !== undefined) io.print(`  ${''.padEnd(12)} → ${result.remedy}`);
  }
  const ready = checks.every(({ status }) => status !== 'failing');
  io.print('');
  io.print(
    ready
      ? 'Training and evaluation can run on this machine.'
      : 'Training does not run here. Fix the failed checks (✗) first.',
  );
  io.printJson({
    ready,
    checks: checks.map(({ name, status, found, remedy, values }) => ({
      name,
      status,
      found,
      remedy: remedy ?? null,
      values: values ?? {},
    })),
  });
  if (!ready) process.exitCode = 1;
}

const marks: Readonly<Record<Check['status'], string>> = { ok: '✓', missing: '–', failing: '✗' };

const oldestNode = [20, 20] as const;

function checkNode(): Check {
  const { node } = process.versions;
  const [major = 0, minor = 0] = node.split('.').map(Number);
  const recent = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  const found = `${node} on ${process.platform} ${process.arch}`;
  const values = { version: node, platform: process.platform, architecture: process.arch };
  if (recent) return { name: 'Node', status: 'ok', found, values };
  return {
    name: 'Node',
    status: 'failing',
    found,
    values,
    remedy: `Install Node ${oldestNode.join('.')} or later`,
  };
}

function checkProcessor(): Check {
  const cores = availableParallelism();
  const model = cpus()[0]?.model.trim() ?? 'unknown';
  return { name: 'Processor', status: 'ok', found: `${model}, ${cores} cores`, values: { model, cores } };
}

/** MiniLM-L6 with its optimizer's state and the activations of 16 pairs. */
const comfortableMemoryBytes = 2 * 2 ** 30;

function checkMemory(): Check {
  const totalBytes = Math.min(totalmem(), process.constrainedMemory() || Infinity);
  const availableBytes = process.availableMemory();
  const found = `${gibibytes(availableBytes)} free of ${gibibytes(totalBytes)}`;
  const values = { totalBytes, availableBytes };
  if (availableBytes >= comfortableMemoryBytes) return { name: 'Memory', status: 'ok', found, values };
  const remedy = 'Close other programs, or train with a smaller encoder and a smaller micro-batch';
  return { name: 'Memory', status: 'missing', found, values, remedy };
}

/** A model, its checkpoints and an index of a small corpus. */
const comfortableDiskBytes = 2 * 2 ** 30;

async function checkDisk(): Promise<Check> {
  const freeBytes = await freeDiskBytes('.');
  const name = 'Disk';
  if (freeBytes === undefined)
    return { name, status: 'ok', found: 'the system does not report free disk space' };
  const found = `${gibibytes(freeBytes)} free in this folder`;
  const values = { freeBytes };
  if (freeBytes >= comfortableDiskBytes) return { name, status: 'ok', found, values };
  return {
    name,
    status: 'missing',
    found,
    values,
    remedy: 'Free disk space, or use a store on another disk (--store DIR)',
  };
}

async function checkOnnxRuntime(): Promise<Check> {
  const backends = await onnxRuntimeBackends();
  const name = 'ONNX Runtime';
  if ('error' in backends) {
    return {
      name,
      status: 'failing',
      found: `onnxruntime-node does not load (${backends.error})`,
      remedy: 'Run "npm ci"; it needs Linux with glibc, macOS on arm64, or Windows',
    };
  }
  const found = `onnxruntime-node ${backends.version}, built for ${backends.names.join(', ')}`;
  return { name, status: 'ok', found, values: { version: backends.version, backends: backends.names } };
}

async function checkCpuRate(): Promise<Check> {
  const name = 'CPU';
  try {
    const { openRuntime } = await import('../../host/node/runtime.ts');
    const { measureMatmulRate } = await import('../../graph/matmul-rate.ts');
    const runtime = await openRuntime({ device: 'cpu' });
    const rate = await measureMatmulRate(runtime, nodeClock);
    await runtime.close();
    const gflops = rate / 1e9;
    const found = `multiplies matrices at ${gflops.toPrecision(3)} GFLOP/s with ${runtime.threads} threads`;
    return { name, status: 'ok', found, values: { gflops, threads: runtime.threads } };
  } catch (error) {
    return {
      name,
      status: 'failing',
      found: `does not compute (${messageOf(error)})`,
      remedy: 'Run "npm ci", then re-run this command with --debug',
    };
  }
}

async function checkWebGpu(): Promise<Check> {
  const probe = await probeDevice('webgpu');
  const driver = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES;
  const via = driver === undefined ? '' : ` (through ${driver})`;
  if (probe.works) return { name: 'WebGPU', status: 'ok', found: `works${via}: --device webgpu` };
  return {
    name: 'WebGPU',
    status: 'missing',
    found: `no working device${via}`,
    remedy:
      process.platform === 'linux'
        ? "With a GPU: install libvulkan1 and the vendor's Vulkan driver. Without a GPU, everything runs on the CPU"
        : 'With a GPU: update its driver. Without a GPU, everything runs on the CPU',
    values: { reason: probe.reason },
  };
}

async function checkCuda(): Promise<Check> {
  const name = 'CUDA';
  const gpus = await nvidiaGpus();
  const libraries = cudaProviderLibraries();
  const values = { gpus, libraries };
  if (gpus.length === 0) {
    return {
      name,
      status: 'missing',
      found: 'no NVIDIA GPU (nvidia-smi found none)',
      values,
      remedy: 'Not required: everything runs on the CPU',
    };
  }
  if (libraries.length === 0) {
    return {
      name,
      status: 'missing',
      found: `${gpus.join('; ')}, but ONNX Runtime's CUDA libraries are not installed`,
      remedy:
        'Install CUDA 12 and cuDNN 9, then run "ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node --ignore-scripts=false"',
      values,
    };
  }
  const probe = await probeDevice('cuda');
  if (probe.works) return { name, status: 'ok', found: `${gpus.join('; ')}: --device cuda`, values };
  return {
    name,
    status: 'missing',
    found: `${gpus.join('; ')}, but it does not compute (${probe.reason})`,
    remedy: 'Install CUDA 12 and cuDNN 9 where the loader finds them (LD_LIBRARY_PATH)',
    values: { ...values, reason: probe.reason },
  };
}

const testedDevices = ['cpu', 'webgpu', 'cuda'] as const;

/**
 * Repeats a training step on each device that works.
 * @param checks those of the devices
 */
async function checkRepeats(
  checks: readonly Check[],
  storeFolder: string | undefined,
  io: CliIo,
): Promise<Check> {
  const name = 'Repeat test';
  const remedy = 'Use --device cpu for trainings that must repeat to the bit';
  const works = (device: string): boolean =>
    checks.some((check) => check.name.toLowerCase() === device && check.status === 'ok');
  const devices = testedDevices.filter(works);
  const values: Record<string, Json> = {};
  const found: string[] = [];
  try {
    for (const device of devices) {
      const repeats = await repeatsOn(device, storeFolder, io);
      values[device] = repeats;
      found.push(`${device} ${repeats ? 'repeats' : 'does not repeat'} a training step to the bit`);
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    return { name, status: 'missing', found: `failed (${messageOf(error)})`, remedy, values };
  }
  if (found.length === 0) return { name, status: 'missing', found: 'no device to test', remedy, values };
  const check = { name, found: found.join(', '), values };
  return devices.every((device) => values[device] === true)
    ? { ...check, status: 'ok' }
    : { ...check, status: 'missing', remedy };
}

async function repeatsOn(
  device: (typeof testedDevices)[number],
  storeFolder: string | undefined,
  io: CliIo,
): Promise<boolean> {
  const { openRuntime } = await import('../../host/node/runtime.ts');
  const { keepRepeats, testDevice } = await import('../../training/repeat-test.ts');
  const runtime = await openRuntime({ device });
  try {
    const repeats = await testDevice(runtime);
    if (storeFolder !== undefined) {
      const store = await openStore(storeFolder, io);
      await keepRepeats(store, runtime, repeats);
      await store.close();
    }
    return repeats;
  } finally {
    await runtime.close();
  }
}

function checkChromium(): Check {
  const name = 'Chromium';
  const path = findChromium();
  if (path !== undefined) return { name, status: 'ok', found: path, values: { path } };
  return {
    name,
    status: 'missing',
    found: 'neither Chrome nor Chromium found',
    remedy:
      'Required only for the browser studio and its tests: install Chrome or Chromium, or set CHROMIUM_PATH',
    values: { path: null },
  };
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
