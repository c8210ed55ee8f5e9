import { readFileSync } from 'node:fs';

/**
 * Reads a two-dimensional little-endian float32 .npy file.
 * @param {string} path
 * @returns {{ rows: number, columns: number, data: Float32Array }}
 * @throws {Error} if the file is anything else
 */
export function readNpy(path) {
  const bytes = readFileSync(path);
  if (bytes.subarray(1, 6).toString('latin1') !== 'NUMPY') throw new Error(`${path} is no .npy file`);
  const [start, length] = bytes[6] === 1 ? [10, bytes.readUInt16LE(8)] : [12, bytes.readUInt32LE(8)];
  const header = bytes.subarray(start, start + length).toString('latin1');
  const shape = /'shape':\s*\((\d+),\s*(\d+)\)/.exec(header);
  if (!shape || !header.includes("'<f4'") || header.includes("'fortran_order': True")) {
    throw new Error(`${path}: expected float32 [rows, columns] in C order, found ${header.trim()}`);
  }
  const [rows, columns] = [Number(shape[1]), Number(shape[2])];
  const data = new Float32Array(rows * columns);
  const offset = start + length;
  for (let i = 0; i < data.length; i++) data[i] = bytes.readFloatLE(offset + 4 * i);
  return { rows, columns, data };
}
