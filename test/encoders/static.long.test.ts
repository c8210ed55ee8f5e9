/** Folders of static encoders that the studio writes, opened by the libraries whose layouts they are. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { openEmbedder } from '../../src/encoders/open-embedder.ts';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import { noRuntime } from '../../src/host/no-runtime.ts';
import { temporaryFolder } from '../support/cli.ts';
import { modelFolder } from '../support/model-folder.ts';
import { pythonLacks, runPython } from '../support/python.ts';
import { itUnless } from '../support/skip.ts';
import { goldenStatic, staticFolder, writtenFiles } from '../support/static-folder.ts';

const script = fileURLToPath(new URL('../oracle/embed_static.py', import.meta.url));
const minutes = 10 * 60_000;

for (const [library, name, type] of [
  ['sentence_transformers', 'sentence-transformers', 'F32'],
  ['model2vec', 'model2vec', 'F32'],
  ['model2vec', 'model2vec', 'I8'],
  ['model2vec', 'model2vec-quantized', 'F32'],
] as const) {
  itUnless(
    pythonLacks('sentence_transformers', 'model2vec'),
    `${library} opens ${name} as ${type}, with the same vectors`,
    async () => {
      const files = writtenFiles(await readEncoder(staticFolder(name)), type);
      const folder = temporaryFolder();
      for (const [path, content] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), content);
      }
      // As they are written, whatever rounding that was.
      const embedder = await openEmbedder(noRuntime, await readEncoder(modelFolder(folder)));
      const ours = await embedder.embed(goldenStatic.texts, 'passage');
      const request = JSON.stringify({ folder, library, texts: goldenStatic.texts });
      const theirs = (JSON.parse(runPython([script, request])) as number[][]).flat();
      expect(ours).toHaveLength(theirs.length);
      ours.forEach((value, i) => expect(Math.abs(value - theirs[i]!)).toBeLessThan(1e-6));
    },
    minutes,
  );
}
