import { describe, expect, it } from 'vitest';
import { readRecipe } from '../../src/pipeline/read-recipe.ts';
import type { RecipeInput } from '../../src/pipeline/schema.ts';
import {
  missingForRecipe,
  recipeOf,
  recipeRunId,
  replacesDev,
  rolesOf,
  worksAsWritten,
  type RecipeChoices,
} from '../../src/studio/recipe-choices.ts';
import { seriesStyle } from '../../src/studio/charts/series-style.ts';
import { kept } from '../e2e/canned-run.ts';

const recipe: RecipeInput = {
  version: 1,
  name: 'written',
  corpus: { folder: 'somewhere', dev: { split: 'dev' }, titles: false },
  encoder: { model: 'nano' },
  generators: { writer: { kind: 'recorded' } },
  sources: {
    written: {
      kind: 'generated',
      prompts: ['a-hard-negatives'],
      of: { train: { sample: 4 } },
      recorded: { corpusFile: 'recorded.jsonl' },
    },
  },
  arms: [{ name: 'a', source: 'written', loss: 'infonce' }],
};
const [corpus] = kept;

function choices(given: Partial<RecipeChoices> = {}): RecipeChoices {
  return { recipe, corpus: undefined, generators: {}, access: {}, ...given };
}

describe('the recipe of the choices', () => {
  it('takes the demo in place of its corpus, and keeps what else it says of it', () => {
    const chosen = recipeOf(choices());
    expect(chosen.corpus).toEqual({ builtIn: 'demo', dev: { split: 'dev' }, titles: false });
    expect(() => readRecipe(chosen)).not.toThrow();
  });

  it('takes a kept corpus, and holds train queries out where that has no such dev split', () => {
    const chosen = recipeOf(choices({ corpus }));
    expect(chosen.corpus).toEqual({ folder: 'own-corpus-1', dev: { share: 0.1 }, titles: false });
    expect(replacesDev(choices({ corpus }))).toBe(true);
    expect(replacesDev(choices())).toBe(false);
  });

  it.each([
    [{ kind: 'webllm', model: 'Qwen3-0.6B-q4f16_1-MLC' } as const],
    [{ kind: 'wllama', model: 'ORG/NAME/a.gguf' } as const],
    [{ kind: 'http', address: 'http://127.0.0.1:8000/v1', model: 'm' } as const],
  ])('puts a language model in its place: %j', (choice) => {
    const chosen = recipeOf(choices({ generators: { writer: choice } }));
    expect(chosen.generators).toEqual({ writer: choice });
    expect(() => readRecipe(chosen)).not.toThrow();
  });

  it('replays a kept log', () => {
    const chosen = recipeOf(choices({ generators: { writer: { kind: 'recorded', file: 'log-1' } } }));
    expect(chosen.generators).toEqual({ writer: { kind: 'recorded', file: 'log-1' } });
  });

  it('never holds a key', () => {
    const generators = { writer: { kind: 'http', address: 'http://127.0.0.1:1', model: 'm' } } as const;
    const given = choices({ generators, access: { writer: { key: 'a-secret' } } });
    expect(JSON.stringify(recipeOf(given))).not.toContain('a-secret');
  });

  it('is one run for the same choices, and another for others', async () => {
    const one = await recipeRunId(recipeOf(choices()));
    expect(one).toMatch(/^recipe-written-[0-9a-f]{8}$/);
    expect(await recipeRunId(recipeOf(choices()))).toBe(one);
    expect(await recipeRunId(recipeOf(choices({ corpus })))).not.toBe(one);
  });
});

describe('what is missing', () => {
  it('is nothing for a recorded recipe on the demo', () => {
    expect(rolesOf(recipe)).toEqual(['writer']);
    expect(worksAsWritten(recipe, 'writer')).toBe(true);
    expect(missingForRecipe(choices())).toEqual([]);
  });

  it('names the recording that another corpus does not have, unless a model writes anew', () => {
    expect(missingForRecipe(choices({ corpus }))).toEqual([
      expect.stringMatching(/reads recorded\.jsonl .* own corpus has no such file: .* writes anew\.$/),
    ]);
    const generators = { writer: { kind: 'webllm', model: 'm' } } as const;
    expect(missingForRecipe(choices({ corpus, generators }))).toEqual([]);
  });

  it('is told once, though several parts of a recipe lack it', () => {
    const source = recipe.sources.written;
    const twice = { ...recipe, sources: source === undefined ? {} : { written: source, again: source } };
    expect(missingForRecipe(choices({ recipe: twice, corpus }))).toHaveLength(1);
  });

  it('names splits that the corpus has no judgments for', () => {
    const bare = corpus && { ...corpus, splits: ['dev'], listFiles: ['recorded.jsonl'] };
    expect(missingForRecipe(choices({ corpus: bare }))).toEqual([
      expect.stringContaining('no judgments qrels/test.tsv'),
      expect.stringContaining('no judgments qrels/train.tsv'),
    ]);
  });

  it.each([
    [{ kind: 'recorded', file: '' } as const, 'the log of an earlier generation'],
    [{ kind: 'webllm', model: '' } as const, 'use a model of WebLLM'],
    [{ kind: 'wllama', model: '' } as const, 'use a GGUF file'],
    [{ kind: 'wllama', model: 'tiny.gguf' } as const, 'drop the file'],
    [{ kind: 'http', address: 'nowhere', model: 'm' } as const, 'is not an http(s) address'],
    [{ kind: 'http', address: 'http://127.0.0.1:1', model: '' } as const, 'use the name of a model'],
  ])('is told for %j', (choice, words) => {
    expect(missingForRecipe(choices({ generators: { writer: choice } })).join(' ')).toContain(words);
  });

  it('is nothing for a dropped file that is here', () => {
    const generators = { writer: { kind: 'wllama', model: 'tiny.gguf' } } as const;
    const access = { writer: { file: new File(['x'], 'tiny.gguf') } };
    expect(missingForRecipe(choices({ generators, access }))).toEqual([]);
  });

  it('asks for a choice where the recipe names a file of another machine', () => {
    const elsewhere: RecipeInput = {
      ...recipe,
      generators: { writer: { kind: 'recorded', file: 'log.jsonl' } },
    };
    expect(worksAsWritten(elsewhere, 'writer')).toBe(false);
    expect(missingForRecipe(choices({ recipe: elsewhere }))).toEqual(['Choose what writes as “writer”.']);
  });
});

describe('line styles', () => {
  it('differ for as many trainings as the largest recipe has', () => {
    const looks = Array.from({ length: 20 }, (_, i) => JSON.stringify(seriesStyle(i)));
    expect(new Set(looks).size).toBe(20);
  });
});
