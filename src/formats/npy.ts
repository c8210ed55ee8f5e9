/**
 * A matrix as a NumPy file, version 1.0: little-endian float32, row-major
 * (numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
 */
export function toNpy(data: Float32Array, rows: number, columns: number): Uint8Array<ArrayBuffer> {
  if (data.length !== rows * columns)
    throw new RangeError(`${data.length} values are not ${rows} × ${columns}`);
  const description = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  // Magic, version, header length and header together fill a multiple of 64 bytes; the header ends a line.
  const prefix = 10;
  const headerLength = Math.ceil((prefix + description.length + 1) / 64) * 64 - prefix;
  const bytes = new Uint8Array(prefix + headerLength + data.byteLength);
  bytes.set([0x93, ...new TextEncoder().encode('NUMPY'), 1, 0, headerLength & 255, headerLength >> 8]);
  bytes.set(new TextEncoder().encode(description.padEnd(headerLength - 1) + '\n'), prefix);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), prefix + headerLength);
  return bytes;
}
