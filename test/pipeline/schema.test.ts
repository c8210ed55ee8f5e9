import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { recipeJsonSchema } from '../../scripts/recipe-schema.mjs';
import { InputError } from '../../src/core/errors.ts';
import { withOverrides } from '../../src/pipeline/overrides.ts';
import { parseRecipeText, readRecipe } from '../../src/pipeline/read-recipe.ts';
import { recipeSchema, type RecipeInput } from '../../src/pipeline/schema.ts';

const root = join(import.meta.dirname, '../..');

const smallest: RecipeInput = {
  version: 1,
  name: 'smallest',
  corpus: { folder: 'corpus' },
  encoder: { model: 'nano' },
  sources: { mined: { kind: 'mined', retrievers: [{ kind: 'bm25' }] } },
  arms: [{ name: 'contrastive', source: 'mined', loss: 'infonce' }],
};

/** What is said of the smallest recipe with some values set. */
function complaint(...overrides: string[]): string {
  try {
    readRecipe(withOverrides(smallest, overrides), 'r.json');
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  throw new Error(`${overrides.join(', ')} was accepted`);
}

describe('a recipe', () => {
  it('has defaults for everything but corpus, encoder, sources and arms', () => {
    const recipe = readRecipe(smallest);
    expect(recipe.seeds).toEqual([1]);
    expect(recipe.corpus).toEqual({
      folder: 'corpus',
      titles: true,
      train: 'train',
      dev: { share: 0.1, seed: 0 },
      devCandidates: 20,
      test: 'test',
    });
    expect(recipe.sources.mined).toEqual({
      kind: 'mined',
      retrievers: [{ kind: 'bm25', name: 'bm25', k1: 0.9, b: 0.4, analyzer: 'english' }],
      fuse: false,
      depth: 100,
      ranks: { first: 1, last: 50 },
      negatives: 5,
      pick: 'random',
      lists: 'per-query',
      level: 1,
      labelUnjudged: false,
      seed: 0,
    });
    expect(recipe.evaluation).toMatchObject({ baselines: ['bm25', 'untrained'], depth: 100, alpha: 0.05 });
    expect(recipe.teacher).toEqual({ from: 'stored', scale: null });
    // What was filled in is what would have been read.
    expect(readRecipe(recipe)).toEqual(recipe);
  });

  it.each<[message: string, ...overrides: string[]]>([
    // Names that are nearly right.
    ['sedes: unknown setting (did you mean "seeds"?)', 'sedes=[1]'],
    ['corpus.foldr: unknown setting (did you mean "folder"?)', 'corpus.foldr=x'],
    ['sources.mined.negativs: unknown setting (did you mean "negatives"?)', 'sources.mined.negativs=3'],
    [
      'sources.mined.retrievers[0].analyser: unknown setting (did you mean "analyzer"?)',
      'sources.mined.retrievers[0].analyser=plain',
    ],
    [
      'training.batches.batchsize: unknown setting (did you mean "batchSize"?)',
      'training.batches.batchsize=3',
    ],
    [
      'arms[0].training.learningrate: unknown setting (did you mean "learningRate"?)',
      'arms[0].training.learningrate=1',
    ],
    [
      'arms[0].loss.temprature: unknown setting (did you mean "temperature"?)',
      'arms[0].loss={"name":"infonce","temprature":0.1}',
    ],
    [
      'arms[0].loss[1].temprature: unknown setting (did you mean "temperature"?)',
      'arms[0].loss=[{"name":"kl"},{"name":"infonce","temprature":0.1}]',
    ],
    [
      "arms[0].loss.name: there is no loss 'infonse' (Did you mean 'infonce'?",
      'arms[0].loss={"name":"infonse"}',
    ],
    [
      "arms[0].loss: loss 'klx + 2', character 1: there is no loss 'klx' (Did you mean 'kl'?",
      'arms[0].loss="klx + 2"',
    ],
    ['arms[0].source: there is no source "mind" (did you mean "mined"?)', 'arms[0].source=mind'],
    ['arms[0].filters: there is no stack of filters "x" (known: none)', 'arms[0].filters=x'],
    ['filters.a[1]: rule "shar<=0.9": there is no rule "shar"', 'filters.a=["length>=2","shar<=0.9"]'],
    ['evaluation.measures[1]: there is no measure "ndgc@10"', 'evaluation.measures=["map","ndgc@10"]'],
    [
      'evaluation.pairs[0][1]: there is no system "bm52" (did you mean "bm25"?)',
      'evaluation.pairs=[["contrastive","bm52"]]',
    ],
    [
      'evaluation.against: there is no system "untrianed" (did you mean "untrained"?)',
      'evaluation.against=untrianed',
    ],
    ['evaluation.show.arm: there is no arm "x"', 'evaluation.show.arm=x'],
    [
      'sources.mined.pick: is "rendom", not one of random, top (did you mean "random"?)',
      'sources.mined.pick=rendom',
    ],
    [
      'sources.mined.kind: is "minde", not one of mined, lists, generated, merged, selected, planted (did you mean "mined"?)',
      'sources.mined.kind=minde',
    ],
    [
      'teacher.from: is "encode", not one of stored, encoder, cross-encoder, vectors, file (did you mean "encoder"?)',
      'teacher.from=encode',
    ],
    // Values of the wrong kind or out of range.
    ['seeds: is 3, not a list […]', 'seeds=3'],
    ['seeds: is [], but must be of length 1 or more', 'seeds=[]'],
    ['seeds[1]: is 1.5, but must be a whole number from 0 to 2147483647', 'seeds=[1,1.5]'],
    ['training.learningRate: is "fast", not a number', 'training.learningRate=fast'],
    ['training.learningRate: is 0, but must be a number above 0 and up to 1000', 'training.learningRate=0'],
    ['training.dropout.hidden: is 2, but must be a number from 0 to 0.9', 'training.dropout.hidden=2'],
    ['training.batches.negatives: is "some", not', 'training.batches.negatives=some'],
    [
      'training.schedule.warmup.shre: unknown setting (did you mean "share"?)',
      'training.schedule.warmup={"shre":1}',
    ],
    ['training.selection.layers: is missing', 'training.selection={"kind":"last-layers"}'],
    ['corpus.dev.share: is 1, but must be a number above 0 and up to 0.9', 'corpus.dev={"share":1}'],
    // Numbers that are none, or that no training takes.
    [
      'training.learningRate: is Infinity, but must be a number above 0 and up to 1000',
      'training.learningRate=1e400',
    ],
    [
      'training.epochs: is 1000000000000000, but must be a whole number from 1 to 100000',
      'training.epochs=1000000000000000',
    ],
    ['training.epochs: is Infinity, but must be a whole number from 1 to 100000', 'training.epochs=1e400'],
    [
      'training.optimizer.weightDecay: is Infinity, but must be a number from 0 to 1000',
      'training.optimizer.weightDecay=1e400',
    ],
    ['training.optimizer.beta2: is 1, but must be a number from 0 to below 1', 'training.optimizer.beta2=1'],
    [
      'training.selection.rank: is 0, but must be a whole number from 1 to 65536',
      'training.selection={"kind":"lora","rank":0,"alpha":16}',
    ],
    [
      'sources.mined.retrievers[0].k1: is Infinity, but must be a number, 0 or more',
      'sources.mined.retrievers[0].k1=1e400',
    ],
    [
      'evaluation.depth: is 10000000, but must be a whole number from 1 to 1000000',
      'evaluation.depth=10000000',
    ],
    [
      'encoder.queryMaxLength: is 2, but must be a whole number from 3 to 1048576',
      'encoder.queryMaxLength=2',
    ],
    ['encoder.model: is missing', 'encoder={}'],
    ['arms: is [], but must be of length 1 or more', 'arms=[]'],
    ['arms[0].name: is "a/b", but must be up to 60 letters', 'arms[0].name=a/b'],
    ['evaluation.measures[0]: num_ret is a count', 'evaluation.measures=["num_ret"]'],
    ['version: is 0, not 1', 'version=0'],
    ['the recipe has version 2, but this program supports only version 1', 'version=2'],
    // Parts that contradict each other.
    ['corpus: set either "folder" or "builtIn"', 'corpus.builtIn=demo'],
    ['corpus.test: "train" is also used for training or as the dev set', 'corpus.test=train'],
    ['sources.mined: mining requires judged train queries, but corpus.train is null', 'corpus.train=null'],
    [
      'sources.mined.ranks.last: is 5, which is below the first, 9',
      'sources.mined.ranks={"first":9,"last":5}',
    ],
    [
      'sources.mined.retrievers[1].name: two retrievers have the name "bm25"',
      'sources.mined.retrievers=[{"kind":"bm25"},{"kind":"bm25"}]',
    ],
    ['sources.a: set either "corpusFile" or "file"', 'sources.a={"kind":"lists"}'],
    [
      'sources.a.recorded: set either "corpusFile" or "file"',
      'sources.a={"kind":"generated","recorded":{"file":"x","corpusFile":"y"}}',
    ],
    ['sources.a: set "prompts" and "of", or "recorded" lists', 'sources.a={"kind":"generated"}'],
    [
      'sources.a.generator: set one of the generators (known: none)',
      'sources.a={"kind":"generated","prompts":["c-questions"],"of":{"passages":{}}}',
    ],
    [
      'sources.a.generator: there is no generator "lama" (did you mean "llama"?)',
      'generators.llama={"kind":"webllm","model":"m"}',
      'sources.a={"kind":"generated","generator":"lama","prompts":["c-questions"],"of":{"passages":{}}}',
    ],
    [
      'sources.a.prompts[0]: there is no prompt "c-qestions" (Did you mean c-questions',
      'generators.llama={"kind":"webllm","model":"m"}',
      'sources.a={"kind":"generated","prompts":["c-qestions"],"of":{"passages":{}}}',
    ],
    [
      'sources.a.prompts[0]: a-hard-negatives asks about queries with their passages',
      'generators.llama={"kind":"webllm","model":"m"}',
      'sources.a={"kind":"generated","prompts":["a-hard-negatives"],"of":{"passages":{}}}',
    ],
    [
      'sources.a.of.source: there is no source "minde" (did you mean "mined"?)',
      'generators.llama={"kind":"webllm","model":"m"}',
      'sources.a={"kind":"generated","prompts":["a-hard-negatives"],"of":{"source":"minde"}}',
    ],
    [
      'sources.a.of.source: "b" depends on "a" itself',
      'generators.llama={"kind":"webllm","model":"m"}',
      'sources.a={"kind":"generated","prompts":["a-hard-negatives"],"of":{"source":"b"}}',
      'sources.b={"kind":"merged","of":["a","mined"]}',
    ],
    [
      'generators.g.address: the address "localhost:8000" is not an http(s) address',
      'generators.g={"kind":"http","address":"localhost:8000","model":"m"}',
    ],
    [
      'generators.g.key: unknown setting',
      'generators.g={"kind":"http","address":"http://localhost:8000","model":"m","key":"sk-1"}',
    ],
    [
      'sources.a: its generator is recorded without a log; set "recorded" lists',
      'generators.g={"kind":"recorded"}',
      'sources.a={"kind":"generated","prompts":["c-questions"],"of":{"passages":{}}}',
    ],
    ['sources.a.of: there is no source "x"', 'sources.a={"kind":"selected","of":"x"}'],
    [
      'sources.a.queriesOf: there is no source "x"',
      'sources.a={"kind":"selected","of":"mined","queriesOf":"x"}',
    ],
    [
      'sources.a.by: applies only to "pick": "best',
      'sources.a={"kind":"selected","of":"mined","negatives":2,"by":{"from":"stored"}}',
    ],
    [
      'sources.a.pick: "best" requires "negatives"',
      'sources.a={"kind":"selected","of":"mined","pick":"best"}',
    ],
    [
      'sources.a.by: set either "corpusFile" or "file"',
      'sources.a={"kind":"selected","of":"mined","negatives":2,"pick":"best","by":{"from":"file"}}',
    ],
    ['sources.mined.of: "mined" depends on "mined" itself', 'sources.mined.of=mined'],
    ['teacher: set either "corpusFile" or "file"', 'teacher={"from":"file"}'],
    ['teacher: set either "corpusFile" or "file"', 'teacher={"from":"vectors"}'],
    [
      'arms[0].loss: kl over the batch requires a teacher that scores every query with every passage, which ' +
        'scores stored in lists cannot; set "teacher" to an encoder or to vectors',
      'teacher.from=stored',
      'arms[0].loss=kl(scope=batch)',
    ],
    [
      'arms[0].loss: kl over the batch requires a teacher that scores every query with every passage, which ' +
        'a cross-encoder cannot; set "teacher" to an encoder or to vectors',
      'teacher={"from":"cross-encoder","model":"x"}',
      'arms[0].loss={"name":"kl","scope":"batch"}',
    ],
    [
      'sources.mined.retrievers[0]: set either "corpusFile" or "file"',
      'sources.mined.retrievers=[{"kind":"vectors"}]',
    ],
    [
      'diagnostics.loss: a diagnosis cannot compute kl over the batch (Use kl(scope=own))',
      'diagnostics={"sources":["mined"],"loss":"kl(scope=batch)"}',
    ],
    [
      'corpus.fold.index: is 3, but the last of 3 folds is 2',
      'corpus.train=test',
      'corpus.fold={"of":3,"index":3}',
    ],
    ['corpus.train: must be "test", the split that is divided into folds', 'corpus.fold={"of":3,"index":0}'],
    ['sources.a.of[1]: there is no unmerged source "a"', 'sources.a={"kind":"merged","of":["mined","a"]}'],
    [
      'arms[1].name: two arms have the name "Contrastive"',
      'arms[1]={"name":"Contrastive","source":"mined","loss":"kl"}',
    ],
    ['arms[0].name: two systems have the name "bm25"', 'arms[0].name=bm25'],
    ['seeds[1]: two seeds have the name "3"', 'seeds=[3,3]'],
    ['tuning: set learningRates, temperatures or both', 'tuning={}'],
    [
      'tuning: tuning requires a dev set, but corpus.dev is null',
      'corpus.dev=null',
      'tuning.learningRates=[1e-4]',
    ],
    [
      'tuning.temperatures: no arm has a loss with a temperature',
      'arms[0].loss=margin-mse',
      'tuning.temperatures=[0.1]',
    ],
    ['evaluation.pairs[0]: compares a system with itself', 'evaluation.pairs=[["bm25","bm25"]]'],
  ])('is refused: %s', (message, ...overrides) => {
    const said = complaint(...overrides);
    expect(said).toContain(message);
    expect(said).toMatch(/^r\.json: .*\.$/s);
    expect(said).not.toContain('\n');
  });

  it('names the first five mistakes and counts the others', () => {
    const wrong = [
      'seeds=3',
      'corpus.titles=1',
      'encoder={}',
      'arms=[]',
      'tuning=1',
      'teacher=1',
      'filters=1',
    ];
    expect(complaint(...wrong)).toMatch(
      /^r\.json: seeds: [^;]*; corpus\.titles: [^;]*(; [^;]*){3}; and 2 more\. Fix the recipe; docs/,
    );
  });

  it('is JSON', () => {
    expect(() => parseRecipeText('{"version": 1,}', 'r.json')).toThrow(/^r\.json: is not valid JSON: /);
    expect(parseRecipeText('\uFEFF{"version": 1}', 'r.json')).toEqual({ version: 1 });
    for (const document of [null, 3, 'x', []]) {
      expect(() => readRecipe(document, 'r.json')).toThrow(/^r\.json: .*is .*, not an object/);
    }
  });

  it('has a JSON Schema in docs that is current (node scripts/recipe-schema.mjs writes it)', async () => {
    const published = readFileSync(join(root, 'docs/recipe.schema.json'), 'utf8');
    expect(published).toBe(await recipeJsonSchema(recipeSchema));
    expect(published).toContain('"temperatures"');
  });

  it('is refused where it is nested deeper than any setting, however deep', () => {
    const text = `{"version":1,"name":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
    expect(() => readRecipe(parseRecipeText(text, 'r.json'))).toThrow(InputError);
  });

  it('is refused where it holds more values than any recipe, at once', () => {
    const text = `{"version":1,"seeds":[${'1,'.repeat(160_000)}1]}`;
    expect(() => parseRecipeText(text, 'r.json')).toThrow('r.json: contains more than 20000 values');
    // What is just short of it is read, or refused, in no time: of a hang the test would know.
    const most = `{"version":1,"sources":[${'1,'.repeat(19_000)}1]}`;
    expect(() => readRecipe(parseRecipeText(most, 'r.json'))).toThrow(InputError);
  });

  it('is explained in docs by an example that is read', () => {
    const page = readFileSync(join(root, 'docs/recipes.md'), 'utf8');
    const examples = [...page.matchAll(/^```json\n(.*?)^```$/gms)].map(([, text]) => text ?? '');
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) readRecipe(parseRecipeText(example, 'docs/recipes.md'));
  });
});

describe('--set', () => {
  it.each<[override: string, path: string[], value: unknown]>([
    ['seeds=[1,2]', ['seeds'], [1, 2]],
    ['encoder.model=sentence-transformers/x', ['encoder', 'model'], 'sentence-transformers/x'],
    ['encoder.queryPrefix=query: a=b', ['encoder', 'queryPrefix'], 'query: a=b'],
    ['training.batches.batchSize=4', ['training', 'batches', 'batchSize'], 4],
    ['arms[1]={"name":"b"}', ['arms', '1', 'name'], 'b'],
    ['sources["a b"].kind=lists', ['sources', 'a b', 'kind'], 'lists'],
    ['__proto__.polluted=1', ['__proto__', 'polluted'], 1],
  ])('%s', (override, path, value) => {
    const changed = withOverrides(smallest, [override]);
    const found = path.reduce<unknown>(
      (node, part) =>
        Object.hasOwn(node as object, part) ? (node as Record<string, unknown>)[part] : undefined,
      changed,
    );
    expect(found).toEqual(value);
    expect(smallest).not.toHaveProperty('training');
    expect({}).not.toHaveProperty('polluted');
  });

  it.each([
    ['seeds', '--set is "seeds". Use path=value'],
    ['.a=1', '--set is ".a=1"'],
    ['arms[2]=1', '--set arms[2]: there is no item 2. Use an index of up to 1'],
    ['name.first=1', '--set name.first: "first" is inside a value that has no settings'],
    ['corpus[0]=1', '--set corpus[0]: there is no item 0. Set the whole value: it is not a list'],
    [`a${'.a'.repeat(30_000)}=1`, '--set is "a.a.a'],
    [`name=${'['.repeat(200_000)}${']'.repeat(200_000)}`, '--set name: the value is nested deeper'],
  ])('refuses %#', (override, message) => {
    const set = (): unknown => readRecipe(withOverrides(smallest, [override]));
    expect(set).toThrow(InputError);
    expect(set).toThrow(message);
  });
});

it('--set is refused where it is given more often than anybody would', () => {
  expect(() => withOverrides(smallest, new Array<string>(200_000).fill('seeds=[1,2]'))).toThrow(
    '--set was passed 200000 times',
  );
});

describe('names that every object inherits', () => {
  const names = ['toString', 'valueOf', 'hasOwnProperty'];
  const generator = 'generators.llama={"kind":"webllm","model":"m"}';

  it.each(
    names.flatMap((name) => [
      ['unmerged source', `sources.a={"kind":"merged","of":["${name}","${name}"]}`],
      ['source', `sources.a={"kind":"mined","of":"${name}","retrievers":[{"kind":"bm25"}]}`],
      ['source', `sources.a={"kind":"selected","of":"${name}"}`],
      ['source', `sources.a={"kind":"selected","of":"mined","queriesOf":"${name}"}`],
      ['source', `sources.a={"kind":"planted","of":"${name}"}`],
      [
        'source',
        `sources.a={"kind":"generated","prompts":["a-hard-negatives"],"of":{"source":"${name}"}}`,
        generator,
      ],
      [
        'generator',
        `sources.a={"kind":"generated","prompts":["c-questions"],"of":{"passages":{}},"generator":"${name}"}`,
        generator,
      ],
      ['source', `arms[0].source=${name}`],
      ['stack of filters', `arms[0].filters=${name}`],
      ['system', `evaluation.against=${name}`],
      ['arm', `evaluation.show={"arm":"${name}"}`],
      ['source', `diagnostics={"sources":["${name}"]}`],
    ]),
  )('are no %s: %s', (what, ...overrides) => {
    expect(complaint(...overrides)).toContain(`there is no ${what} "`);
  });

  it.each(names)('name sources, filters, generators and arms like any other: %s', (name) => {
    const recipe = readRecipe(
      withOverrides(smallest, [
        `generators.${name}={"kind":"webllm","model":"m"}`,
        `sources.${name}={"kind":"generated","generator":"${name}","prompts":["c-questions"],"of":{"passages":{}}}`,
        `sources.all={"kind":"merged","of":["${name}","mined"]}`,
        `filters.${name}=["share<=0.9"]`,
        `arms[0]={"name":"${name}","source":"${name}","filters":"${name}","loss":"infonce"}`,
        `evaluation.show={"arm":"${name}"}`,
      ]),
    );
    expect(Object.keys(recipe.sources)).toEqual(['mined', name, 'all']);
    expect(recipe.arms[0]).toMatchObject({ name, source: name, filters: name });
  });

  // These the library that checks documents would drop without a word.
  it.each(['constructor', 'prototype', '__proto__'])('refuses a source that is called %s', (name) => {
    expect(complaint(`sources.${name}={"kind":"mined","retrievers":[{"kind":"bm25"}]}`)).toContain(
      `sources.${name}: this name is not allowed`,
    );
    expect(complaint(`arms[0].${name}=1`)).toContain(`arms[0].${name}: this name is not allowed`);
  });

  it('refuses an arm that is called constructor', () => {
    expect(complaint('arms[0].name=constructor')).toContain('arms[0].name: is "constructor", but must be');
  });
});

it('repeats no value of many characters', () => {
  const long = 'x'.repeat(10_000);
  for (const override of [
    `arms[0].name=${long}/`,
    `arms[0].source=${long}`,
    `arms[0].loss=${long}`,
    `encoder.${long}=1`,
    `evaluation.measures=["${long}"]`,
    `filters.a=["${long}<=1"]`,
  ]) {
    expect(complaint(override).length, override.slice(0, 20)).toBeLessThan(1000);
  }
});
