import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSafetensors } from '../../src/formats/safetensors.ts';
import { readTorchCheckpoint } from '../../src/formats/torch-pickle.ts';
import { InputError } from '../../src/core/errors.ts';

const folder = join(import.meta.dirname, '../golden/torch-bin');

function load(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(join(folder, name)));
}

describe('readTorchCheckpoint', () => {
  it.each(['plain', 'state-dict'])('reads the same tensors from %s as from safetensors', async (name) => {
    const tensors = await readTorchCheckpoint(load(`${name}.bin`), 'm');
    const expected = readSafetensors(load(`${name}.safetensors`), 'm').tensors;
    expect([...tensors.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [key, tensor] of expected) expect([key, tensors.get(key)]).toEqual([key, tensor]);
  });

  it('does not copy tensors that are contiguous', async () => {
    const bytes = load('plain.bin');
    const tensors = await readTorchCheckpoint(bytes, 'm');
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
  ])('refuses %s and says how to convert', async (name, message) => {
    const error: unknown = await readTorchCheckpoint(load(name), 'pytorch_model.bin').catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toMatch(/^pytorch_model\.bin: .*safetensors/);
  });

  it('refuses what is no zip at all', async () => {
    for (const bytes of [
      new Uint8Array(),
      new Uint8Array([0x50, 0x4b]),
      new TextEncoder().encode('version https://git-lfs'),
    ]) {
      await expect(readTorchCheckpoint(bytes, 'm')).rejects.toThrow(InputError);
    }
  });

  it('notices a flipped bit in the weights', async () => {
    const bytes = load('plain.bin');
    const data = (await readTorchCheckpoint(bytes, 'm')).get('float')?.data;
    if (data) data[3] = (data[3] ?? 0) ^ 1;
    await expect(readTorchCheckpoint(bytes, 'm')).rejects.toThrow(/damaged/);
  });
});
