// @ts-check
/** `npm start`: installs what is missing, builds, and shows what can be done. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from './install.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

const welcome = `
The page is still to come. Until then Retriever Studio is a command line, ready to use in this folder:

  npm run studio -- --help                 all commands; each has a --help of its own
  npm run studio -- doctor                 what this machine can run, and what to do about what is missing

With a corpus in BEIR's layout (corpus.jsonl, queries.jsonl, qrels/test.tsv) in DIR:

  npm run studio -- search --bm25 --corpus DIR --out bm25.run
  npm run studio -- eval --qrels DIR/qrels/test.tsv --run bm25.run

README.md goes on from here: searching with a model, mining negatives, training, comparing, exporting.
`;

/** @returns {number} the exit code */
function main() {
  try {
    installPackages();
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
  console.log('Building …');
  const build = spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs')], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (build.status !== 0) {
    console.error('The build failed (see above).');
    return 1;
  }
  console.log(welcome);
  return 0;
}

process.exitCode = main();
