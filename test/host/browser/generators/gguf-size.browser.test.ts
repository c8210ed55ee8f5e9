import { expect, it } from 'vitest';
import { sizeOfGguf } from '../../../../src/host/browser/generators/gguf-files.ts';
import { InputError } from '../../../../src/core/errors.ts';

it('tells what a server states, before anything is fetched', async () => {
  const response = await fetch('/demo/corpus.jsonl');
  const { byteLength } = await response.arrayBuffer();
  expect(await sizeOfGguf('/demo/corpus.jsonl')).toEqual({ bytes: byteLength, isKept: false });
});

it('does not know the size of what is not there', async () => {
  expect(await sizeOfGguf('/missing/none.gguf')).toEqual({ bytes: undefined, isKept: false });
});

it('refuses what names no file', async () => {
  await expect(sizeOfGguf('no-such-name')).rejects.toBeInstanceOf(InputError);
});
