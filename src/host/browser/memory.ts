import { OutOfMemoryError } from '../../core/errors.ts';

/** Memory that the browser reports: GiB, rounded and at most 8; 4 if it reports none. */
function deviceMemoryBytes(): number {
  const { deviceMemory } = navigator as { deviceMemory?: number };
  return (deviceMemory ?? 4) * 2 ** 30;
}

/** A WASM heap ends at 4 GiB; the page, its store and the browser need their part of the machine. */
export function wasmBudgetBytes(): number {
  return Math.min(3.5 * 2 ** 30, deviceMemoryBytes() / 2);
}

/** WebGPU does not report GPU memory: half of the machine's memory is safe if they share it. */
export function gpuBudgetBytes(): number {
  return deviceMemoryBytes() / 2;
}

/** @throws OutOfMemoryError if a graph needs more than there is */
export function refuseTooLarge(name: string, needed: number | undefined, available: number): void {
  if (needed === undefined || needed <= available) return;
  const mebibytes = (bytes: number): string => String(Math.round(bytes / 2 ** 20));
  throw new OutOfMemoryError(
    `${name} needs about ${mebibytes(needed)} MiB of memory, but only ${mebibytes(available)} MiB are available`,
    { remedy: 'Use a smaller micro-batch, shorter texts or a smaller encoder' },
  );
}
