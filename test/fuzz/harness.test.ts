import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../src/core/random.ts';
import { formats } from './formats/index.ts';
import { isFault, judge, makeInput } from './judge.ts';
import { minimized } from './minimize.ts';
import { twistedJson } from './mutate.ts';
import { textOf, utf8 } from './format.ts';

const root = join(import.meta.dirname, '../..');

describe('the formats', () => {
  it('have names of their own', () => {
    expect(new Set(formats.map(({ name }) => name)).size).toBe(formats.length);
  });

  it.each(formats.map((format) => [format.name, format] as const))(
    '%s accepts its examples',
    async (_, format) => {
      for (const bytes of format.examples) {
        expect(await judge(format, { bytes, resealed: false })).toBe('accepted');
      }
    },
  );

  it('make an input of its number alone', () => {
    for (const format of formats) {
      const inputs = (seed: number): unknown[] =>
        Array.from({ length: 20 }, (_, number) => {
          const { bytes, resealed, steps } = makeInput(format, seed, number);
          return [createHash('sha256').update(bytes).digest('hex'), resealed, steps];
        });
      expect(inputs(7)).toEqual(inputs(7));
      expect(inputs(8)).not.toEqual(inputs(7));
    }
  });

  it('cover every file of src/ that parses what is not its own', () => {
    const covered = new Set(formats.flatMap(({ readers }) => readers));
    const parsing = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .map((path) => `src/${path.replaceAll('\\', '/')}`)
      .filter((path) => path.endsWith('.ts') && PARSES.test(readFileSync(join(root, path), 'utf8')));
    expect(parsing.filter((path) => !covered.has(path) && !(path in NOT_FUZZED))).toEqual([]);
    expect(
      [...covered].filter(
        (path) => !readdirSync(join(root, path, '..')).includes(path.split('/').at(-1) ?? ''),
      ),
    ).toEqual([]);
  });
});

const PARSES = /JSON\.parse|new TextDecoder|getBigUint64|readLines\(|readRows\(|parseJsonObject\(/;
/** Files that parse, and why no format is theirs. */
const NOT_FUZZED: Readonly<Record<string, string>> = {
  'src/cli/version.ts': 'reads package.json',
  'src/cli/input-files.ts': 'decodes what the formats recipe and mix read',
  'src/core/json-text.ts': 'parses keys of what the formats of JSON lines have read',
  'src/encoders/transformers-js.ts': 'parses config.json as the format config.json does',
  'src/generation/log.ts': 'reads blobs of the store, which are checked by their SHA-256',
  'src/pipeline/fragment.ts': 'copies what a command made',
  'src/formats/stored-tensors.ts': 'reads blobs of the store, which are checked by their SHA-256',
  'src/pipeline/stage-store.ts': 'reads blobs of the store, which are checked by their SHA-256',
  'src/pipeline/stored-forms.ts': 'reads blobs of the store, which are checked by their SHA-256',
  'src/host/node/atomic-file.ts': 'a damaged marker is taken for none',
  'src/host/hub.ts':
    'decodes what the format hub-listing reads; a damaged listing of its own is taken for none',
  'src/host/browser/store.ts': "records of the page's own database",
  'src/studio/judging.ts':
    'what the page itself keeps in the browser; of another form, it is taken for nothing',
  'src/studio/recipe-times.ts':
    'what the page itself keeps in the browser; of another form, it is taken for nothing',
  'src/studio/state/kept-choices.ts':
    'what the page itself keeps in the browser; of another form, it is taken for nothing',
  'src/studio/state/recipe-drafts.svelte.ts':
    'what the page itself keeps in the browser; a recipe in it is read as the format recipe',
  'src/studio/recipe-form.ts': 'copies what it is given',
  'src/studio/worker/corpus-export.ts': 'reads a corpus that was checked when it was kept',
  'src/studio/worker/line-file.ts': 'finds the lines that readers of other formats parse',
  'src/host/browser/model-files.ts':
    "the build's list of nano's files; one that is damaged is taken for none",
};

describe('minimized', () => {
  it('cuts all that a fault does not need', async () => {
    const bytes = utf8(`${'x'.repeat(500)}ab${'y'.repeat(300)}c${'z'.repeat(99)}`);
    const isSame = (candidate: Uint8Array): Promise<boolean> =>
      Promise.resolve(/ab.*c/s.test(textOf(new Uint8Array(candidate))));
    const shortest = await minimized(bytes, isSame, { attempts: 3000, seconds: 60 });
    expect(textOf(shortest)).toBe('abc');
  });

  it('ends when its attempts are used up', async () => {
    let attempts = 0;
    const shortest = await minimized(
      utf8('x'.repeat(1000)),
      () => {
        attempts++;
        return Promise.resolve(false);
      },
      { attempts: 50, seconds: 60 },
    );
    expect([attempts, shortest.length]).toEqual([50, 1000]);
  });
});

describe('judge', () => {
  const format = (read: () => unknown): Parameters<typeof judge>[0] => ({
    name: 'x',
    what: '',
    readers: [],
    examples: [],
    mutations: [],
    read,
  });
  const input = { bytes: utf8('x'), resealed: false };

  it('takes what a reader put into prototypes out again', async () => {
    const verdict = await judge(
      format(() => Object.assign(Object.prototype, { polluted: 1 })),
      input,
    );
    expect(isFault(verdict) && verdict.kind).toBe('pollution');
    expect('polluted' in {}).toBe(false);
  });

  it('notices a method that was replaced', async () => {
    const original = Reflect.get(Object.prototype, 'toString');
    const verdict = await judge(
      format(() => Object.assign(Object.prototype, { toString: () => 'x' })),
      input,
    );
    expect(isFault(verdict) && verdict.kind).toBe('pollution');
    expect(Reflect.get(Object.prototype, 'toString')).toBe(original);
  });
});

describe('mutations of JSON', () => {
  it('change types, names, numbers and nesting, and write what JSON.stringify cannot', () => {
    const value = JSON.stringify({ name: 'x', list: [1, 2, { deep: true }], number: 0.5 });
    const made = Array.from({ length: 5000 }, (_, i) => twistedJson(value, new RandomStream(1, i)) ?? '');
    for (const sign of [
      '"__proto__"',
      'NaN',
      '1e400',
      '\\ud800',
      '"constructor"',
      '[[[[',
      '{"a":{"a":{"a":',
    ]) {
      expect(
        made.some((text) => text.includes(sign)),
        sign,
      ).toBe(true);
    }
  });
});
