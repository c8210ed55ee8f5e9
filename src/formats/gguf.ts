/** Version 1 had another layout and is no longer in use. */
const versions = [2, 3];

/**
 * Why a file cannot be a GGUF that llama.cpp reads; undefined where it may be one.
 * @param head its first 8 bytes
 */
export function ggufProblem(head: Uint8Array): string | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const isGguf = head.byteLength === 8 && view.getUint32(0, false) === 0x47475546;
  if (!isGguf) return 'this is not a GGUF file';
  const version = view.getUint32(4, true);
  return versions.includes(version)
    ? undefined
    : `this is a GGUF file of version ${version}; only 2 and 3 are supported`;
}
