import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSafetensors } from '../../src/encoders/safetensors.ts';
import { readTorchCheckpoint } from '../../src/encoders/torch-pickle.ts';
import { crc32 } from '../../src/corpus/crc32.ts';
import { InputError } from '../../src/host/errors.ts';
import { RandomStream } from '../../src/host/random.ts';

const folder = join(import.meta.dirname, '../golden/torch-bin');

function load(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(join(folder, name)));
}

describe('readTorchCheckpoint', () => {
  it.each(['plain', 'state-dict'])('reads the same tensors from %s as from safetensors', (name) => {
    const tensors = readTorchCheckpoint(load(`${name}.bin`), 'm');
    const expected = readSafetensors(load(`${name}.safetensors`), 'm').tensors;
    expect([...tensors.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [key, tensor] of expected) expect([key, tensors.get(key)]).toEqual([key, tensor]);
  });

  it('does not copy tensors that are contiguous', () => {
    const bytes = load('plain.bin');
    const tensors = readTorchCheckpoint(bytes, 'm');
    expect(tensors.get('float')?.data.buffer).toBe(bytes.buffer);
    expect(tensors.get('rows')?.data.buffer).toBe(bytes.buffer);
  });

  it.each([
    ['attack.bin', /would use "posix\.system"/],
    ['builtin-eval.bin', /would use "__builtin__\.eval"/],
    ['whole-module.bin', /would use "torch\.nn\.modules\.container\.Sequential"/],
    ['legacy.bin', /PyTorch before 1\.6/],
    ['nested.bin', /more than tensors \("state_dict"\)/],
    ['nested-marks.bin', /no tensors by name/],
    ['loop.bin', /opcode 0x5d/],
    ['huge-string.bin', /broken near byte/],
    ['big-size.bin', /beyond its storage/],
    ['repeat.bin', /unfolds to more than its own size/],
    ['packed.bin', /cut off or damaged/],
    ['other-type.bin', /missing or of another size/],
  ])('refuses %s and says how to convert', (name, message) => {
    const read = (): unknown => readTorchCheckpoint(load(name), 'pytorch_model.bin');
    expect(read).toThrow(InputError);
    expect(read).toThrow(message);
    expect(read).toThrow(/^pytorch_model\.bin: .*safetensors/);
  });

  it('refuses what is no zip at all', () => {
    for (const bytes of [
      new Uint8Array(),
      new Uint8Array([0x50, 0x4b]),
      new TextEncoder().encode('version https://git-lfs'),
    ]) {
      expect(() => readTorchCheckpoint(bytes, 'm')).toThrow(InputError);
    }
  });

  it('notices a flipped bit in the weights', () => {
    const bytes = load('plain.bin');
    const data = readTorchCheckpoint(bytes, 'm').get('float')?.data;
    if (data) data[3] = (data[3] ?? 0) ^ 1;
    expect(() => readTorchCheckpoint(bytes, 'm')).toThrow(/damaged/);
  });

  // A sample of the long sweep: FUZZ_CASES=100000 runs more.
  it('answers every mutated file with tensors or an InputError', { timeout: 3_600_000 }, () => {
    const originals = readdirSync(folder)
      .filter((name) => name.endsWith('.bin'))
      .map(load)
      .filter((bytes) => bytes.length < 5000);
    const random = new RandomStream(3, 'checkpoint mutations');
    const cases = Number(process.env.FUZZ_CASES ?? 2000);
    let refused = 0;
    for (let i = 0; i < cases; i++) {
      let bytes = (originals[random.integer(originals.length)] as Uint8Array<ArrayBuffer>).slice();
      // The pickle's checksum is put right again, or nothing behind it would be reached.
      const repair = random.uniform() < 0.8;
      for (let edit = 0; edit <= random.integer(3); edit++) {
        if (random.uniform() < 0.1) bytes = bytes.slice(0, random.integer(bytes.length) + 1);
        else
          bytes[random.integer(Math.min(bytes.length, repair ? 1100 : bytes.length))] = random.integer(256);
      }
      if (repair) bytes = withoutChecksums(bytes);
      try {
        readTorchCheckpoint(bytes, 'mutated');
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(cases / 2);
  });
});

/** Sets each checksum in the zip's directory to that of the bytes as they now are. */
function withoutChecksums(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + 46 <= bytes.length; at++) {
    if (view.getUint32(at, true) !== 0x02014b50) continue;
    const local = view.getUint32(at + 42, true);
    if (local + 30 > bytes.length) continue;
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    view.setUint32(at + 16, crc32(bytes.subarray(start, start + view.getUint32(at + 24, true))), true);
  }
  return bytes;
}
