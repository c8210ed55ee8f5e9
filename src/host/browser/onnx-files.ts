import asyncifyGlue from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url';
import asyncifyWasm from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';
import jspiGlue from 'onnxruntime-web/ort-wasm-simd-threaded.jspi.mjs?url';
import jspiWasm from 'onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm?url';
import plainGlue from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import plainWasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';

/** A build of ONNX Runtime for browsers: for WASM alone, or for WebGPU with one of two ways to wait for it. */
export type OnnxBuild = 'wasm' | 'webgpu' | 'jspi';

/**
 * Where our own origin serves a build's WASM and glue. Set as soon as ONNX Runtime is loaded: an import of
 * @huggingface/transformers gives addresses of a CDN to one that has none.
 */
export function onnxFiles(build: OnnxBuild): { readonly mjs: string; readonly wasm: string } {
  const [mjs, wasm] = {
    wasm: [plainGlue, plainWasm] as const,
    webgpu: [asyncifyGlue, asyncifyWasm] as const,
    jspi: [jspiGlue, jspiWasm] as const,
  }[build];
  return { mjs: new URL(mjs, import.meta.url).href, wasm: new URL(wasm, import.meta.url).href };
}
