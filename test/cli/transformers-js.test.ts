/** Models that transformers.js runs, asked for by name or because the studio has no graphs of their architecture. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';
import { aerodynamics, writeCollection } from '../support/collection.ts';
import { asRoberta, crossEncoderFolder, encoderFolder } from '../support/library-models.ts';

let folder: string;
let crossEncoder: string;
let encoder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'studio-cli-transformers-js-'));
  crossEncoder = await crossEncoderFolder(folder, 'bert');
  encoder = await encoderFolder(folder, 'bert');
});
afterAll(() => rmSync(folder, { recursive: true }));

it('runs in recipes, and is not trained', async () => {
  const recipe = join(folder, 'recipe.json');
  writeFileSync(
    recipe,
    JSON.stringify({
      version: 1,
      name: 'foreign',
      corpus: { folder: writeCollection(aerodynamics), train: 'train', dev: null, test: 'test' },
      encoder: { model: encoder, queryMaxLength: 8, passageMaxLength: 16 },
      sources: {
        found: {
          kind: 'mined',
          retrievers: [{ kind: 'dense', model: `transformers.js:${encoder}` }],
          negatives: 2,
        },
      },
      teacher: { from: 'cross-encoder', model: asRoberta(crossEncoder) },
      training: { batches: { batchSize: 2, incomplete: 'keep' }, maxSteps: 1, tokensPerMicroBatch: 64 },
      arms: [{ name: 'listwise', source: 'found', loss: 'kl' }],
      evaluation: { samples: 1000, depth: 5 },
    }),
  );
  const run = await runCli(['run', recipe, '--store', join(folder, 'store'), '--threads', '1']);
  expect(run.code, run.stderr).toBe(0);
  expect(run.stderr).toContain('teacher scores of found');
  const refused = await runCli([
    ...['run', recipe, '--store', join(folder, 'store')],
    ...['--set', `encoder.model=transformers.js:${encoder}`],
  ]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('models run by transformers.js cannot be trained or compared');
});
