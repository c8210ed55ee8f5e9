/** Inputs that come through a pipe: `<(zcat …)`, a named pipe, standard input. */
import { zipSync } from 'fflate';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryFolder, type CliResult } from '../support/cli.ts';
import { aerodynamics, writeCollection } from '../support/collection.ts';
import { tinyModel } from '../support/model-folder.ts';
import { recipeCorpus, smallRecipe } from '../support/small-recipe.ts';
import { describeUnless } from '../support/skip.ts';

const program = fileURLToPath(new URL('../../bin/retriever-studio.js', import.meta.url));

/** Runs a line of bash, in which `studio` is the command line. */
async function bash(line: string, cwd: string, input = ''): Promise<CliResult> {
  const child = spawn('bash', ['-c', `studio() { "${process.execPath}" "${program}" "$@"; }; ${line}`], {
    cwd,
  });
  child.stdin.on('error', () => undefined).end(input);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  return { code, stdout, stderr };
}

const qrels = 'q1 0 a 1\nq2 0 b 1\n';
const run = 'q1 Q0 a 1 2 t\nq2 Q0 a 1 2 t\nq2 Q0 b 2 1 t\n';
const metrics = 'map                   \tall\t0.7500\n';

describeUnless(
  process.platform === 'win32' ? 'Windows has no named pipes in folders' : undefined,
  'a pipe',
  () => {
    it('takes the place of judgments and of runs', async () => {
      const folder = temporaryFolder({ qrels, run });
      const flags = '--metrics map';
      const whole = { code: 0, stdout: metrics, stderr: '' };
      expect(await bash(`studio eval --qrels <(cat qrels) --run <(cat run) ${flags}`, folder)).toEqual(whole);
      expect(await bash(`studio eval --qrels qrels --run /dev/stdin ${flags}`, folder, run)).toEqual(whole);
      expect(await bash(`cat run | studio eval --qrels qrels --run /dev/stdin ${flags}`, folder)).toEqual(
        whole,
      );
      expect(await bash(`studio eval --qrels qrels --run /dev/stdin ${flags} < run`, folder)).toEqual(whole);
      const named = `mkfifo pipe; cat qrels > pipe & studio eval --qrels pipe --run run ${flags}`;
      expect(await bash(named, folder)).toEqual(whole);
      expect(await bash('studio compare <(cat run) run --qrels <(cat qrels) --json', folder)).toMatchObject({
        code: 0,
        stderr: '',
      });
      const none = await bash('studio eval --qrels /dev/null --run run', folder);
      expect(none).toMatchObject({ code: 2, stdout: '' });
      expect(none.stderr).toMatch(/^error: \/dev\/null: contains no judgments/);
    });

    it('takes the place of texts to embed, and of training lists', async () => {
      const lists = readFileSync(join(recipeCorpus(), 'lists.jsonl'), 'utf8');
      const folder = temporaryFolder({ 'texts.txt': 'heat\nlight\n', 'lists.jsonl': lists });
      const embed = `studio embed --model ${tinyModel('tiny-bert')} --threads 1`;
      expect((await bash(`${embed} --in texts.txt --out a.npy`, folder)).code).toBe(0);
      expect((await bash(`${embed} --in <(cat texts.txt) --out b.npy`, folder)).code).toBe(0);
      expect(readFileSync(join(folder, 'b.npy'))).toEqual(readFileSync(join(folder, 'a.npy')));
      const filtered = await bash(
        'studio filter --lists <(cat lists.jsonl) --rules "length>=1" --out kept.jsonl',
        folder,
      );
      expect(filtered.code, filtered.stderr).toBe(0);
      expect(readFileSync(join(folder, 'kept.jsonl'), 'utf8').split('\n')).toHaveLength(
        lists.split('\n').length,
      );
    });

    it('takes the place of a recipe, and of a corpus as a zip', async () => {
      const document = smallRecipe(recipeCorpus(), { seeds: [1] });
      const folder = temporaryFolder({ 'recipe.json': JSON.stringify(document) });
      const planned = await bash('cat recipe.json | studio run /dev/stdin --plan --json', folder);
      expect(planned.code, planned.stderr).toBe(0);
      expect(JSON.parse(planned.stdout)).toHaveProperty('plan');
      const corpus = writeCollection(aerodynamics);
      const files = ['corpus.jsonl', 'queries.jsonl', 'qrels/test.tsv'];
      writeFileSync(
        join(folder, 'set.zip'),
        zipSync(Object.fromEntries(files.map((file) => [file, readFileSync(join(corpus, file))]))),
      );
      const searched = await bash('studio search --bm25 --corpus <(cat set.zip) --out out.run', folder);
      expect(searched.code, searched.stderr).toBe(0);
      expect(readFileSync(join(folder, 'out.run'), 'utf8')).toMatch(/^q1 Q0 wing 1 /);
    });
  },
);
