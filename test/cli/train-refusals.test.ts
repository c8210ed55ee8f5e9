import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectBadInput, runCli, temporaryFolder, type CliResult } from '../support/cli.ts';
import { aerodynamics, writeCollection } from '../support/collection.ts';
import { tinyModel } from '../support/model-folder.ts';
import { listFile, makeLists } from '../support/training-lists.ts';

const tinyBert = tinyModel('tiny-bert');
const lists = listFile(makeLists(8));

interface Attempt {
  readonly folder: string;
  readonly result: CliResult;
}

/** Trains on the lists in a folder of its own, where nothing else may be left. */
async function attempt(text: string, args: readonly string[] = [], model = tinyBert): Promise<Attempt> {
  const folder = temporaryFolder({ 'lists.jsonl': text });
  const given = args.includes('--lists') ? [] : ['--lists', join(folder, 'lists.jsonl')];
  const files = [...given, '--out', join(folder, 'out')];
  const result = await runCli(['train', '--model', model, '--batch-size', '4', ...files, ...args]);
  return { folder, result };
}

function expectRefusal({ folder, result }: Attempt, message: RegExp): void {
  expectBadInput(result, message);
  expect(readdirSync(folder)).toEqual(['lists.jsonl']);
}

/** A copy of tiny-bert with some files changed. */
function changedModel(changes: Readonly<Record<string, Uint8Array | string>>): string {
  const folder = join(temporaryFolder(), 'changed');
  cpSync(tinyBert, folder, { recursive: true });
  for (const [name, content] of Object.entries(changes)) writeFileSync(join(folder, name), content);
  return folder;
}

describe('train refuses, and leaves nothing behind,', () => {
  it.each([
    [
      'stored scores',
      [],
      /^error: kl over the batch requires a teacher that scores every query with every passage, which scores stored in lists cannot\. Use --teacher with an encoder, --teacher-vectors, or scope=own\.$/,
    ],
    ['a file of scores', ['--teacher-scores', 'scores.tsv'], /which a file of scores cannot\. Use --teacher/],
    [
      'a cross-encoder',
      ['--teacher', tinyModel('tiny-cross-encoder')],
      /which a cross-encoder cannot\. Use --teacher/,
    ],
    [
      'two teachers',
      ['--teacher', tinyBert, '--teacher-vectors', 'v.safetensors'],
      /^error: --teacher and --teacher-vectors cannot be combined/,
    ],
  ])('kl over the batch with %s', async (_, args, message) => {
    expectRefusal(await attempt(lists, ['--loss', 'kl(scope=batch)', ...args]), message);
  });

  it('kl over the batch with vectors of other lists, or of no file that holds any', async () => {
    const folder = temporaryFolder({ 'other.jsonl': listFile(makeLists(4)), 'lists.jsonl': lists });
    const out = join(folder, 'v.safetensors');
    const embed = ['embed', '--model', tinyBert, '--lists', join(folder, 'other.jsonl'), '--out', out];
    expect((await runCli(embed)).code).toBe(0);
    const over = ['--loss', 'kl(scope=batch)', '--dev-share', '0', '--teacher-vectors'];
    const other = await attempt(lists, [...over, out]);
    expectRefusal(
      other,
      /v\.safetensors: no vectors for 4 of 8 queries, such as ".*"\. Use vectors of exactly/,
    );
    const weights = join(tinyBert, 'model.safetensors');
    expectRefusal(await attempt(lists, [...over, weights]), /model\.safetensors: .*has no tensor 'queries'/);
  });

  const line = (list: object): string => `${JSON.stringify(list)}\n`;
  it.each([
    { name: 'not valid JSON', text: `${lists}{"query_id": "q", "que\n`, message: /lists\.jsonl:9: / },
    { name: 'no lists', text: '', message: /lists\.jsonl: contains no training lists/ },
    {
      name: 'lists of no known kind',
      text: line({ question: 'a', answer: 'b' }),
      message: /lists\.jsonl:1: no format of training lists has the keys/,
    },
    {
      name: 'a passage of 10 MB',
      text: lists + line({ anchor: 'q', positive: 'heat '.repeat(2_000_000) }),
      message: /lists\.jsonl:9: .*MiB/,
    },
    {
      name: 'lists without positives',
      text: listFile(
        makeLists(8).map((list) => ({
          ...list,
          documents: list.documents.map((document) => ({ ...document, label: 0 })),
        })),
      ),
      message: /lists\.jsonl: query 'q0': no passage is labeled positive, which infonce needs/,
    },
    {
      // Found out only when the batches are dealt, with the experiment's folder made.
      name: 'lists that all share a passage',
      text: listFile(
        makeLists(8).map((list) => ({
          ...list,
          documents: [...list.documents, { id: 'common', text: 'the same', label: 0, source: 'bm25' }],
        })),
      ),
      message: /too few of the 7 training rows have distinct passages.*allow the same passage twice/,
    },
  ])('$name', async ({ text, message }) => {
    expectRefusal(await attempt(text), message);
  });

  const bare = listFile(
    makeLists(8).map((list) => ({
      ...list,
      documents: list.documents.map(({ id, text, label, source }) => ({
        id,
        text,
        label: label ?? 0,
        source,
      })),
    })),
  );
  it.each([
    { args: ['--loss', 'infonse'], message: /no loss 'infonse'. Did you mean 'infonce'/ },
    { args: ['--loss', 'kl(temprature=2)'], message: /no setting 'temprature'. Did you mean 'temperature'/ },
    { args: ['--loss', 'kl'], message: /lists\.jsonl: query 'q0': .*teacher score/, text: bare },
    {
      args: ['--batch-size', '100'],
      message: /lists\.jsonl: 7 training rows .*Use a batch size of 7 or less/,
    },
    { args: ['--dev-share', '0.9'], message: /1 training rows .*hold out fewer lists/ },
    { args: ['--dev-share', '1'], message: /--dev-share is "1"/ },
    {
      args: ['--max-passage-length', '33'],
      message: /33 tokens is not possible with this model.*from 3 to 32/,
    },
    {
      args: ['--train', 'last-3'],
      message: /last 3 layers were selected for training, but the encoder has only 2/,
    },
    {
      args: ['--train', 'lora', '--lora-rank', '17'],
      message:
        /the LoRA rank is 17, but the encoder's layers are only 16 wide\. Choose a rank from 1 to 16\./,
    },
    {
      args: ['--epochs', '1000000000000000'],
      message: /--epochs is "1000000000000000"\. Use a whole number from 1 to 100000\./,
    },
    { args: ['--clip', '1e300'], message: /--clip is "1e300"\. Use a number from 0 to 1000000000\./ },
    {
      args: ['--loss', 'infonce(temperature=1e999)'],
      message: /temperature is Infinity, but must be .* above 0/,
    },
    { args: ['--train', 'some'], message: /--train is "some"/ },
    { args: ['--lists', 'nowhere.jsonl'], message: /nowhere\.jsonl: does not exist/ },
    { args: ['--model', 'nowhere'], message: /nowhere: there is no such folder/ },
    {
      args: ['--experiment', 'a/b', '--out', 'a'],
      message: /the experiment folder is inside the output folder/,
    },
  ])('$args', async ({ args, message, text = lists }) => {
    expectRefusal(await attempt(text, args), message);
  });

  it('an output folder that holds other files, or a file in its place', async () => {
    const folder = temporaryFolder({ 'lists.jsonl': lists });
    mkdirSync(join(folder, 'out'));
    writeFileSync(join(folder, 'out/thesis.txt'), 'mine');
    const train = ['train', '--model', tinyBert, '--lists', join(folder, 'lists.jsonl')];
    const results = [
      await runCli([...train, '--out', join(folder, 'out')]),
      await runCli([...train, '--out', join(folder, 'out/thesis.txt')]),
      await runCli([...train, '--out', join(folder, 'out/thesis.txt/model')]),
    ];
    expectBadInput(results[0]!, /out: the folder contains files .*thesis\.txt.*--force/);
    expectBadInput(results[1]!, /thesis\.txt: .*this is a file/);
    expectBadInput(results[2]!, /part of the path is a file/);
    expect(readdirSync(folder).sort()).toEqual(['lists.jsonl', 'out']);
    expect(readFileSync(join(folder, 'out/thesis.txt'), 'utf8')).toBe('mine');
  });

  it('a device that is not there', async () => {
    const env = { VK_ICD_FILENAMES: '/nowhere.json', VK_DRIVER_FILES: '/nowhere.json' };
    const folder = temporaryFolder({ 'lists.jsonl': lists });
    const args = ['--lists', join(folder, 'lists.jsonl'), '--out', join(folder, 'out'), '--device', 'webgpu'];
    const result = await runCli(['train', '--model', tinyBert, '--batch-size', '4', ...args], { env });
    expect(result).toMatchObject({ code: 2, stdout: '' });
    // The driver's loader has words of its own before.
    const last = result.stderr.trimEnd().split('\n').at(-1);
    expect(last).toMatch(/^error: the device webgpu is not available .*--device cpu\.$/);
    expect(last).not.toContain('.cc:');
    expect(readdirSync(folder)).toEqual(['lists.jsonl']);
  });
});

describe('a broken model', () => {
  const weights = readFileSync(join(tinyBert, 'model.safetensors'));
  const config = JSON.parse(readFileSync(join(tinyBert, 'config.json'), 'utf8')) as Record<string, unknown>;
  const liar = new Uint8Array(weights);
  new DataView(liar.buffer).setBigUint64(0, 2n ** 40n, true);
  const notFinite = new Uint8Array(weights);
  const data = 8 + Number(new DataView(notFinite.buffer).getBigUint64(0, true));
  notFinite.fill(0xff, data, data + 4);
  const broken = {
    'truncated weights': [
      { 'model.safetensors': weights.subarray(0, weights.length / 2) },
      /model\.safetensors: /,
    ],
    'a header that lies': [{ 'model.safetensors': liar }, /model\.safetensors: .*header/],
    'another architecture': [
      { 'config.json': JSON.stringify({ ...config, model_type: 'llama' }) },
      /config\.json: .*llama.*Use a model with model_type bert/,
      // Somebody else's library would run it where nothing is trained.
      /onnx\/model\.onnx: transformers\.js requires this file, which is missing/,
    ],
    'a tokenizer larger than the table': [
      { 'config.json': JSON.stringify({ ...config, vocab_size: 90 }) },
      /tokenizer does not match the embedding table: its ids go up to 99, but the table has 90 rows/,
    ],
    'weights that are no numbers': [
      { 'model.safetensors': notFinite },
      /model\.safetensors: .* has the value NaN/,
    ],
  } as const;

  it.each(Object.entries(broken))(
    'with %s is refused by train, embed and search',
    async (_, [changes, message, elsewhere = message]) => {
      const model = changedModel(changes);
      expectRefusal(await attempt(lists, [], model), message);
      const folder = temporaryFolder({ 'texts.txt': 'heat\n' });
      const [texts, vectors, run] = ['texts.txt', 'out.npy', 'out.run'].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ];
      expectBadInput(await runCli(['embed', '--model', model, '--in', texts, '--out', vectors]), elsewhere);
      const search = ['search', '--model', model, '--corpus', writeCollection(aerodynamics), '--out', run];
      expectBadInput(await runCli(search), elsewhere);
      expect(readdirSync(folder)).toEqual(['texts.txt']);
    },
  );
});

it('train leaves empty texts out and counts them', async () => {
  const empty = {
    query_id: 'e',
    query: 'heat',
    documents: [{ id: 'e', text: ' ', label: 1, source: 'gold' }],
  };
  const { result } = await attempt(`${lists}${JSON.stringify(empty)}\n`, ['--max-steps', '1']);
  expect(result.code).toBe(0);
  expect(result.stderr).toMatch(
    /warning: .*passages without text .*: 1\nwarning: .*training lists without a query or passages .*: 1/,
  );
});

it('train warns of lists that teach a loss on grades nothing, and of keys given twice', async () => {
  const ungraded = makeLists(8).map((list, i) => ({
    ...list,
    documents: list.documents.map((document) => ({ ...document, label: i < 3 ? 0 : (document.label ?? 0) })),
  }));
  const text = listFile(ungraded).replace('"source":', '"source": "gold", "source":');
  const { result } = await attempt(text, ['--loss', 'listnet', '--dev-share', '0', '--max-steps', '1']);
  expect(result.code, result.stderr).toBe(0);
  expect(result.stderr).toMatch(
    /^warning: .*JSON lines with a duplicate key, such as "source" in .*lists\.jsonl:1 .*: 1\nwarning: training lists without a label above 0, such as that of query "q0", .*: 3\n/,
  );
});

it.each([1e308, 1e37])('train names the teacher score that is no use to a loss, %s', async (score) => {
  const extreme = makeLists(8).map((list) => ({
    ...list,
    documents: list.documents.map((document, i) => ({ ...document, teacher: i === 1 ? score : 0.5 })),
  }));
  const { result } = await attempt(listFile(extreme), ['--loss', 'margin-mse']);
  expect(result).toMatchObject({ code: 1, stdout: '' });
  expect(result.stderr).toContain('training diverged at step 1: non-finite loss: the teacher score of ');
  expect(result.stderr).toContain(`is ${score}. Scale the scores`);
  expect(result.stderr).not.toContain('learning rate');
});

it('train says at which step it diverged; what was good before can be exported', async () => {
  const { folder, result } = await attempt(lists, [
    ...['--lr', '1000', '--weight-decay', '1000'],
    ...['--epochs', '20', '--dev-share', '0'],
  ]);
  expect(result).toMatchObject({ code: 1, stdout: '' });
  expect(result.stderr).toMatch(/\nerror: training diverged at step \d+: non-finite \w+\. Use a lower/);
  expect(existsSync(join(folder, 'out'))).toBe(false);
  const to = join(folder, 'saved');
  const exported = await runCli(['export', '--experiment', join(folder, 'out.experiment'), '--to', to]);
  expect(exported.code, exported.stderr).toBe(0);
  const texts = join(temporaryFolder({ 'texts.txt': 'heat\n' }), 'texts.txt');
  const embedded = await runCli(['embed', '--model', to, '--in', texts, '--out', join(folder, 'out.npy')]);
  expect(embedded.code, embedded.stderr).toBe(0);
});
