/** Commands whose output nobody reads, or which has no place: `| head`, a closed terminal, a full disk. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { runCli, temporaryFolder } from '../support/cli.ts';
import { aerodynamics, writeCollection } from '../support/collection.ts';
import { tinyModel } from '../support/model-folder.ts';
import { recipeCorpus, smallRecipe } from '../support/small-recipe.ts';
import { listFile, makeLists } from '../support/training-lists.ts';
import { describeUnless, itUnless } from '../support/skip.ts';

const notLinux = process.platform === 'linux' ? undefined : 'only Linux has /dev/full';

const program = fileURLToPath(new URL('../../bin/retriever-studio.js', import.meta.url));

// What is stale is built first, so that the command itself is what meets the closed pipe.
beforeAll(async () => {
  await runCli(['--version']);
});

interface Reading {
  /** Streams whose reader closes them: at once, or once it has read something. */
  readonly closed?: Partial<Record<'stdout' | 'stderr', 'at once' | 'after a line'>>;
  /** Streams that go to a file of a full disk. */
  readonly full?: readonly ('stdout' | 'stderr')[];
}

async function runUnread(args: readonly string[], { closed = {}, full = [] }: Reading, cwd?: string) {
  const device = openSync(full.length > 0 ? '/dev/full' : '/dev/null', 'w');
  onTestFinished(() => closeSync(device));
  const place = (stream: 'stdout' | 'stderr') => (full.includes(stream) ? device : 'pipe');
  const child = spawn(process.execPath, [program, ...args], {
    cwd,
    env: { ...process.env, DEBUG: '' },
    stdio: ['ignore', place('stdout'), place('stderr')],
  });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    const stream = child[name];
    if (closed[name] === 'at once') stream?.destroy();
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
      if (closed[name] !== undefined) stream.destroy();
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', resolve);
  });
  return { code, ...text };
}

/** Judgments and a run with many queries: more than a pipe holds. */
function evaluation(): string[] {
  const ids = Array.from({ length: 3000 }, (_, i) => `query-${i}`);
  const folder = temporaryFolder({
    qrels: ids.map((id) => `${id} 0 d 1\n`).join(''),
    run: ids.map((id) => `${id} Q0 d 1 2.5 t\n`).join(''),
  });
  return ['eval', '--qrels', join(folder, 'qrels'), '--run', join(folder, 'run'), '--per-query'];
}

describe('without a reader of standard error', () => {
  const training = () => {
    const folder = temporaryFolder({ 'lists.jsonl': listFile(makeLists(24)) });
    const model = join(folder, 'out');
    const files = ['--lists', join(folder, 'lists.jsonl'), '--out', model];
    const settings = ['--batch-size', '4', '--epochs', '3', '--threads', '1', '--json'];
    return { model, args: ['train', '--model', tinyModel('tiny-bert'), ...files, ...settings] };
  };

  it('train trains to its end', async () => {
    const { model, args } = training();
    const { code, stdout } = await runUnread(args, { closed: { stderr: 'after a line' } });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ model, steps: 15 });
    expect(existsSync(join(model, 'model.safetensors'))).toBe(true);
  });

  it('train trains to its end where neither output has a reader', async () => {
    const { model, args } = training();
    expect((await runUnread(args, { closed: { stdout: 'at once', stderr: 'at once' } })).code).toBe(0);
    expect(existsSync(join(model, 'model.safetensors'))).toBe(true);
  });

  it('run runs a recipe to its end and writes the report', async () => {
    const document = smallRecipe(recipeCorpus(), {
      seeds: [1],
      arms: [{ name: 'contrastive', source: 'mined', loss: 'infonce' }],
      evaluation: { samples: 1000, depth: 20 },
    });
    const folder = temporaryFolder({ 'recipe.json': JSON.stringify(document) });
    const args = ['run', 'recipe.json', '--threads', '1', '--out', 'out', '--json'];
    const { code, stdout } = await runUnread(args, { closed: { stderr: 'after a line' } }, folder);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ models: { contrastive: join('out', 'models/contrastive') } });
    expect(existsSync(join(folder, 'out/report.md'))).toBe(true);
  });

  it('a refusal still has its exit code', async () => {
    const args = ['eval', '--qrels', 'no', '--run', 'no'];
    expect((await runUnread(args, { closed: { stderr: 'at once' } })).code).toBe(2);
  });

  itUnless(notLinux, 'a full disk in its place changes nothing', async () => {
    const { code, stdout } = await runUnread(['eval', '--qrels', 'no', '--run', 'no'], { full: ['stderr'] });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

describe('without a reader of standard output', () => {
  it('a command ends quietly', async () => {
    const { code, stderr } = await runUnread(evaluation(), { closed: { stdout: 'after a line' } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(await runUnread(['--help'], { closed: { stdout: 'at once' } })).toMatchObject({
      code: 0,
      stderr: '',
    });
  });

  it('a command that writes files writes them all', async () => {
    const out = join(temporaryFolder(), 'out.run');
    const corpus = writeCollection(aerodynamics);
    const args = ['search', '--bm25', '--corpus', corpus, '--out', out];
    const { code, stderr } = await runUnread(args, { closed: { stdout: 'at once' } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(readFileSync(out, 'utf8')).toMatch(/^q1 Q0 wing 1 /);
  });
});

describeUnless(notLinux, 'a full disk under standard output', () => {
  it.each([
    ['eval', evaluation],
    ['--help', () => ['--help']],
  ])('is one line on standard error: %s', async (_, args) => {
    const { code, stderr } = await runUnread(args(), { full: ['stdout'] });
    expect(code).toBe(2);
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^error: standard output: .*\(ENOSPC\)\. Choose another place/),
    ]);
  });
});
