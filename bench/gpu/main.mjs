// @ts-check
/**
 * The GPU benchmark. `npm run gpu -- pack` writes one archive for a Linux machine that has an NVIDIA driver and Python 3;
 * `npm run gpu -- pack --with-chromium` one more, in parts, for the page. `npm run gpu -- run [--parts A,B]
 * [--allow-software] [--out DIR]` measures here.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bytesInWords, writeArchive } from './archive.mjs';
import { assembleBenchmark, workFolder } from './assemble.mjs';

const usage =
  'usage: npm run gpu -- pack [--with-chromium] [--out DIR], or npm run gpu -- run [what run.py takes]';

/** @param {string[]} args */
async function pack(args) {
  const { values } = parseArgs({
    args,
    options: { 'with-chromium': { type: 'boolean' }, out: { type: 'string', default: workFolder } },
  });
  const out = resolve(values.out);
  mkdirSync(out, { recursive: true });
  const folder = assembleBenchmark();
  console.log('compressing, which takes minutes …');
  const file = join(out, 'retriever-studio-gpu.tar.xz');
  console.log(`${relative('.', file)}: ${bytesInWords(await writeArchive(folder, file))}`);
  if (values['with-chromium']) {
    const { packChromium } = await import('./chromium.mjs');
    for (const part of await packChromium(out))
      console.log(`${relative('.', part.file)}: ${bytesInWords(part.bytes)}`);
  }
}

/** @param {string[]} args */
function run(args) {
  const out = args.includes('--out') ? [] : ['--out', join(workFolder, 'results')];
  const program = join(assembleBenchmark(), 'run.py');
  process.exitCode = spawnSync('python3', [program, ...out, ...args], { stdio: 'inherit' }).status ?? 1;
}

const [command, ...args] = process.argv.slice(2);
if (command === 'pack') await pack(args);
else if (command === 'run') run(args);
else {
  console.error(usage);
  process.exitCode = 2;
}
