import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSafetensors } from '../../src/encoders/safetensors.ts';
import { readTorchCheckpoint } from '../../src/encoders/torch-pickle.ts';
import { InputError } from '../../src/host/errors.ts';

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
    ['nested-marks.bin', /no named tensors/],
    ['loop.bin', /opcode 0x5d/],
    ['huge-string.bin', /broken near byte/],
    ['big-size.bin', /beyond its storage/],
    ['repeat.bin', /expands to more than its own size/],
    ['packed.bin', /truncated or damaged/],
    ['other-type.bin', /missing or has the wrong size/],
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
});
