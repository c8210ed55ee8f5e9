import type { AdapterFacts } from './webllm-models.ts';

/** Properties of the GPU that a language model would use; undefined if there is none. For pages and workers. */
export async function readAdapterFacts(): Promise<AdapterFacts | undefined> {
  const adapter =
    'gpu' in navigator ? await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' }) : null;
  if (adapter === null) return undefined;
  const { limits } = adapter;
  return {
    features: [...adapter.features],
    maxBufferSize: limits.maxBufferSize,
    maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
    maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
    isFallback: adapter.info.isFallbackAdapter,
    isMobile: isMobile(),
    deviceMemoryGb: (navigator as { readonly deviceMemory?: number }).deviceMemory,
  };
}

/** Tablets of Apple call themselves Macintosh, and are the only ones of that name with several touches. */
function isMobile(): boolean {
  const { userAgent } = navigator;
  const touches = (navigator as { readonly maxTouchPoints?: number }).maxTouchPoints ?? 0;
  return /Android|iPhone|iPad|Mobile/.test(userAgent) || (userAgent.includes('Macintosh') && touches > 1);
}
