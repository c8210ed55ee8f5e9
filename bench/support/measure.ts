import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface Timing {
  /** Wall clock and processor time of the fastest of the repeats, in seconds. */
  readonly wall: number;
  readonly processor: number;
}

/** Runs work several times; on a machine that others use too, the fastest run says most. */
export async function fastest(repeats: number, work: () => unknown): Promise<Timing> {
  let wall = Infinity;
  let processor = Infinity;
  for (let i = 0; i < repeats; i++) {
    const before = process.cpuUsage();
    const start = performance.now();
    await work();
    wall = Math.min(wall, (performance.now() - start) / 1000);
    const used = process.cpuUsage(before);
    processor = Math.min(processor, (used.user + used.system) / 1e6);
  }
  return { wall, processor };
}

/** Bytes of live JavaScript objects and array buffers. */
export function liveBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Prints rows as a Markdown table. */
export function printTable(columns: readonly string[], rows: readonly (readonly string[])[]): void {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  console.log([line(columns), line(columns.map(() => '---')), ...rows.map(line), ''].join('\n'));
}
