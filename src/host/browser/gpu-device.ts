import { InputError, messageOf } from '../../core/errors.ts';

/** Features of the adapter that ONNX Runtime's kernels and ours can use. */
const features = ['shader-f16', 'subgroups', 'timestamp-query'] as const;
const limits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
  'maxComputeWorkgroupStorageSize',
  'maxBindGroups',
] as const;

export interface OwnedDevice {
  readonly device: GPUDevice;
  /** Properties of the GPU that the browser reports. */
  readonly info: GPUAdapterInfo;
}

const remedy = 'Use a current Chrome or Edge with hardware acceleration turned on, or train on WASM';

/** The GPU that would be used. @throws InputError that says why there is none */
export async function requestAdapter(): Promise<GPUAdapter> {
  if (!('gpu' in navigator)) {
    const problem = isSecureContext
      ? 'this browser has no WebGPU'
      : 'WebGPU is available only to pages loaded over https or from this machine';
    throw new InputError(problem, { remedy });
  }
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) throw new InputError('the browser offers no GPU for WebGPU', { remedy });
  return adapter;
}

/** A device of our own with all that the adapter has to give. @throws InputError */
export async function requestDevice(adapter: GPUAdapter): Promise<OwnedDevice> {
  const requiredLimits: Record<string, number> = {};
  for (const limit of limits) requiredLimits[limit] = adapter.limits[limit];
  const requiredFeatures = features.filter((feature) => adapter.features.has(feature));
  try {
    const device = await adapter.requestDevice({ requiredFeatures, requiredLimits });
    return { device, info: adapter.info };
  } catch (error) {
    throw new InputError(`the browser gave no WebGPU device (${messageOf(error)})`, { remedy, cause: error });
  }
}
