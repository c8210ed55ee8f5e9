/** Counts what this thread of a browser asks of a GPU, whoever asks: the studio's own code or ONNX Runtime. */
export interface GpuCalls {
  readonly dispatches: number;
  /** Calls of `queue.submit`. */
  readonly submissions: number;
  /** Buffers mapped to be read: each waits until the GPU has done all that was submitted before. */
  readonly readbacks: number;
  /** Written by the queue, or into buffers that are mapped when they are created. */
  readonly uploadedBytes: number;
  /** Copied into buffers that JavaScript can read. */
  readonly downloadedBytes: number;
  readonly createdBuffers: number;
  readonly bindGroups: number;
}

const counted = {
  dispatches: 0,
  submissions: 0,
  readbacks: 0,
  uploadedBytes: 0,
  downloadedBytes: 0,
  createdBuffers: 0,
  bindGroups: 0,
};

/** All of this thread so far. */
export function gpuCalls(): GpuCalls {
  return { ...counted };
}

/** What was asked between two looks. */
export function callsBetween(before: GpuCalls, after: GpuCalls): GpuCalls {
  const names = Object.keys(before) as (keyof GpuCalls)[];
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as Record<
    keyof GpuCalls,
    number
  >;
}

/** Calls `look` before a method of a prototype does its work. */
function watch<T extends object>(
  prototype: T,
  name: keyof T & string,
  look: (self: T, args: unknown[]) => void,
): void {
  const original = prototype[name] as (...args: unknown[]) => unknown;
  Object.defineProperty(prototype, name, {
    configurable: true,
    writable: true,
    value(this: T, ...args: unknown[]): unknown {
      look(this, args);
      return original.apply(this, args);
    },
  });
}

function writtenBytes([, , data, , size]: unknown[]): number {
  const source = data as ArrayBuffer | ArrayBufferView;
  if (typeof size !== 'number') return source.byteLength;
  const element = ArrayBuffer.isView(source) && 'BYTES_PER_ELEMENT' in source ? source.BYTES_PER_ELEMENT : 1;
  return size * (element as number);
}

if (typeof GPUDevice !== 'undefined') {
  watch(GPUComputePassEncoder.prototype, 'dispatchWorkgroups', () => counted.dispatches++);
  watch(GPUComputePassEncoder.prototype, 'dispatchWorkgroupsIndirect', () => counted.dispatches++);
  watch(GPUQueue.prototype, 'submit', () => counted.submissions++);
  watch(GPUQueue.prototype, 'writeBuffer', (_, args) => (counted.uploadedBytes += writtenBytes(args)));
  watch(GPUDevice.prototype, 'createBindGroup', () => counted.bindGroups++);
  watch(GPUDevice.prototype, 'createBuffer', (_, [descriptor]) => {
    const { size, mappedAtCreation } = descriptor as GPUBufferDescriptor;
    counted.createdBuffers++;
    if (mappedAtCreation === true) counted.uploadedBytes += size;
  });
  watch(GPUBuffer.prototype, 'mapAsync', (_, [mode]) => {
    if (mode === GPUMapMode.READ) counted.readbacks++;
  });
  watch(GPUCommandEncoder.prototype, 'copyBufferToBuffer', (_, args) => {
    // (source, destination, size?) or (source, offset, destination, offset, size).
    const short = args[1] instanceof GPUBuffer;
    const target = (short ? args[1] : args[2]) as GPUBuffer;
    const size = (short ? args[2] : args[4]) as number | undefined;
    if ((target.usage & GPUBufferUsage.MAP_READ) !== 0) counted.downloadedBytes += size ?? target.size;
  });
}
