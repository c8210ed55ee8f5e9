/** Bytes of the buffers alive on a device, whoever makes them: we, or ONNX Runtime. */
export class BufferCensus {
  readonly #alive = new Map<GPUBuffer, number>();
  #bytes = 0;

  constructor(device: GPUDevice) {
    const createBuffer = device.createBuffer.bind(device);
    device.createBuffer = (descriptor) => {
      const buffer = createBuffer(descriptor);
      this.#alive.set(buffer, buffer.size);
      this.#bytes += buffer.size;
      const destroy = buffer.destroy.bind(buffer);
      buffer.destroy = () => {
        this.#bytes -= this.#alive.get(buffer) ?? 0;
        this.#alive.delete(buffer);
        destroy();
      };
      return buffer;
    };
  }

  get bytes(): number {
    return this.#bytes;
  }
}
