/**
 * Buffers for what a run is fed and what it returns, used again by the next run that needs one of the size. A queue does
 * one thing after the other, so a buffer may be written as soon as what reads it is submitted.
 */
export class BufferPool {
  readonly #device: GPUDevice;
  readonly #mostIdleBytes: number;
  /** By size, the sizes in the order of their last use. */
  readonly #idle = new Map<number, GPUBuffer[]>();
  #idleBytes = 0;

  /** @param mostIdleBytes that may wait for their next use */
  constructor(device: GPUDevice, mostIdleBytes: number) {
    this.#device = device;
    this.#mostIdleBytes = mostIdleBytes;
  }

  /** Of buffers that nothing uses. */
  get idleBytes(): number {
    return this.#idleBytes;
  }

  /** A buffer that holds anything. @param size a multiple of 16 */
  take(size: number): GPUBuffer {
    const known = this.#idle.get(size)?.pop();
    if (known !== undefined) {
      this.#idleBytes -= size;
      return known;
    }
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    return this.#device.createBuffer({ size, usage });
  }

  /** A buffer that begins with the data. */
  takeWith({ buffer, byteOffset, byteLength }: ArrayBufferView<ArrayBuffer>, size: number): GPUBuffer {
    const taken = this.take(size);
    let bytes = new Uint8Array(buffer, byteOffset, byteLength);
    if (byteLength % 4 !== 0) {
      const padded = new Uint8Array(Math.ceil(byteLength / 4) * 4);
      padded.set(bytes);
      bytes = padded;
    }
    this.#device.queue.writeBuffer(taken, 0, bytes);
    return taken;
  }

  /** @param buffer one that was taken, and whose last use is submitted */
  giveBack(buffer: GPUBuffer): void {
    const alike = this.#idle.get(buffer.size) ?? [];
    alike.push(buffer);
    this.#idle.delete(buffer.size);
    this.#idle.set(buffer.size, alike);
    this.#idleBytes += buffer.size;
    this.trim(this.#mostIdleBytes);
  }

  /** Destroys idle buffers until at most this many bytes remain, least recently used sizes first. */
  trim(bytes: number): void {
    for (const [size, buffers] of this.#idle) {
      while (this.#idleBytes > bytes && buffers.length > 0) {
        buffers.pop()?.destroy();
        this.#idleBytes -= size;
      }
      if (this.#idleBytes <= bytes) return;
      this.#idle.delete(size);
    }
  }
}
