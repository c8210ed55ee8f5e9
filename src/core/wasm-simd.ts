/** A function that makes a vector and forgets it. */
const smallestModule = [
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x04, 0x01, 0x60, 0x00, 0x00],
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x0a, 0x09, 0x01, 0x07, 0x00, 0x41, 0x00, 0xfd, 0x0f, 0x1a, 0x0b],
];

/** Whether there is WebAssembly with 128-bit SIMD, without which ONNX Runtime for browsers does not start. */
export function hasWasmSimd(): boolean {
  const { WebAssembly: wasm } = globalThis as {
    readonly WebAssembly?: { validate(bytes: Uint8Array<ArrayBuffer>): boolean };
  };
  return wasm?.validate(Uint8Array.from(smallestModule)) === true;
}
