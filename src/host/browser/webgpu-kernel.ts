import type { ElementwiseArguments, ElementwiseProgram } from '../contract.ts';
import { elementwiseShader, workgroupsFor } from './elementwise-shader.ts';

/** A compiled program, and the buffer that carries the scalars of all its dispatches. */
export class WebGpuKernel {
  readonly #device: GPUDevice;
  readonly #pipeline: GPUComputePipeline;
  readonly #scalarNames: readonly string[];
  /** Bytes between the scalars of two dispatches, which the device asks to be aligned. */
  readonly #stride: number;
  #uniforms: GPUBuffer | undefined;

  static async create(device: GPUDevice, program: ElementwiseProgram): Promise<WebGpuKernel> {
    const module = device.createShaderModule({ label: program.name, code: elementwiseShader(program) });
    const pipeline = await device.createComputePipelineAsync({
      label: program.name,
      layout: 'auto',
      compute: { module, entryPoint: 'main' },
    });
    return new WebGpuKernel(device, pipeline, program.scalars);
  }

  constructor(device: GPUDevice, pipeline: GPUComputePipeline, scalarNames: readonly string[]) {
    this.#device = device;
    this.#pipeline = pipeline;
    this.#scalarNames = scalarNames;
    const { minUniformBufferOffsetAlignment: alignment } = device.limits;
    this.#stride = Math.ceil((4 * (scalarNames.length + 1)) / alignment) * alignment;
  }

  /** Submits all dispatches to the device's queue, after those already in it. */
  dispatch(
    sets: readonly {
      readonly buffers: readonly GPUBuffer[];
      readonly elements: number;
      readonly scalars: ElementwiseArguments['scalars'];
    }[],
  ): void {
    const uniforms = this.#uniformsOf(sets.length);
    const bytes = new DataView(new ArrayBuffer(sets.length * this.#stride));
    sets.forEach(({ scalars, elements }, set) => {
      this.#scalarNames.forEach((name, k) => {
        const value = scalars[name];
        if (value === undefined) throw new Error(`no value for ${name}`);
        bytes.setFloat32(set * this.#stride + 4 * k, value, true);
      });
      bytes.setUint32(set * this.#stride + 4 * this.#scalarNames.length, elements, true);
    });
    this.#device.queue.writeBuffer(uniforms, 0, bytes);
    const encoder = this.#device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(this.#pipeline);
    sets.forEach(({ buffers, elements }, set) => {
      const scalars = {
        buffer: uniforms,
        offset: set * this.#stride,
        size: 4 * (this.#scalarNames.length + 1),
      };
      const entries = [{ binding: 0, resource: scalars }];
      buffers.forEach((buffer, k) => {
        entries.push({ binding: k + 1, resource: { buffer, offset: 0, size: 4 * elements } });
      });
      pass.setBindGroup(
        0,
        this.#device.createBindGroup({ layout: this.#pipeline.getBindGroupLayout(0), entries }),
      );
      pass.dispatchWorkgroups(
        ...workgroupsFor(elements, this.#device.limits.maxComputeWorkgroupsPerDimension),
      );
    });
    pass.end();
    this.#device.queue.submit([encoder.finish()]);
  }

  destroy(): void {
    this.#uniforms?.destroy();
    this.#uniforms = undefined;
  }

  #uniformsOf(sets: number): GPUBuffer {
    const size = sets * this.#stride;
    if (this.#uniforms !== undefined && this.#uniforms.size >= size) return this.#uniforms;
    this.#uniforms?.destroy();
    this.#uniforms = this.#device.createBuffer({
      size,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    return this.#uniforms;
  }
}
