/** Samples what nvidia-smi tells of the GPU while something runs: of the whole GPU, not of this process alone. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';

const query = ['--query-gpu=memory.used,utilization.gpu', '--format=csv,noheader,nounits'];

interface Sample {
  readonly memoryMiB: number;
  readonly busyPercent: number;
}

function parse(text: string): Sample[] {
  return text
    .split('\n')
    .map((line) => line.split(',').map(Number))
    .filter(([memory, busy]) => Number.isFinite(memory) && Number.isFinite(busy))
    .map(([memoryMiB = 0, busyPercent = 0]) => ({ memoryMiB, busyPercent }));
}

export class GpuMonitor {
  /** Before it began. */
  readonly idleMiB: number;
  readonly #child: ChildProcess;
  #printed = '';

  private constructor(idleMiB: number) {
    this.idleMiB = idleMiB;
    this.#child = spawn('nvidia-smi', [...query, '-i', '0', '-lms', '100'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#child.on('error', () => undefined);
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#printed += text));
  }

  /** Undefined where there is no nvidia-smi that answers. */
  static start(): GpuMonitor | undefined {
    const { status, stdout } = spawnSync('nvidia-smi', [...query, '-i', '0'], {
      encoding: 'utf8',
      timeout: 5000,
    });
    const [before] = status === 0 ? parse(stdout) : [];
    return before === undefined ? undefined : new GpuMonitor(before.memoryMiB);
  }

  /** Forgets the samples so far. */
  reset(): void {
    this.#printed = '';
  }

  stop(): { readonly peakMiB: number; readonly busyPercent: number } | undefined {
    this.#child.kill();
    const samples = parse(this.#printed);
    if (samples.length === 0) return undefined;
    return {
      peakMiB: Math.max(...samples.map(({ memoryMiB }) => memoryMiB)),
      busyPercent: samples.reduce((sum, { busyPercent }) => sum + busyPercent, 0) / samples.length,
    };
  }
}
