/** Idle buffers are kept up to so many bytes. */
const mostIdleBytes = 2 ** 28;

/**
 * Buffers that carry inputs from the host to a run and are used again for the next. The queue writes into one only after
 * what was submitted before has read it.
 */
export class InputBuffers {
  readonly #device: GPUDevice;
  readonly #idle = new Map<number, GPUBuffer[]>();
  #idleBytes = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** @param size of the buffer, a multiple of four bytes and at least that of the data */
  lend(data: ArrayBufferView<ArrayBuffer>, size: number): GPUBuffer {
    const known = this.#idle.get(size)?.pop();
    if (known !== undefined) this.#idleBytes -= size;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = known ?? this.#device.createBuffer({ size, usage });
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (bytes.length % 4 === 0) {
      this.#device.queue.writeBuffer(buffer, 0, bytes);
    } else {
      const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
      padded.set(bytes);
      this.#device.queue.writeBuffer(buffer, 0, padded);
    }
    return buffer;
  }

  /** Once the run is submitted that reads them. */
  takeBack(buffers: readonly GPUBuffer[]): void {
    for (const buffer of buffers) {
      if (this.#idleBytes + buffer.size > mostIdleBytes) {
        buffer.destroy();
        continue;
      }
      this.#idleBytes += buffer.size;
      const alike = this.#idle.get(buffer.size);
      if (alike === undefined) this.#idle.set(buffer.size, [buffer]);
      else alike.push(buffer);
    }
  }
}
