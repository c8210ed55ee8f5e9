// @ts-check
/**
 * Makes what the page knows of the demo before it fetches it: src/host/browser/own-files.json has the sizes and hashes of
 * its files, src/studio/demo-examples.json what keyword search and the untrained encoder find for the example queries.
 *
 *     npm run demo-examples
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { format } from 'prettier';
import { createServer } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * The files of the demo corpus and its encoder, by the names that downloads give them, with their sizes and hashes.
 * @returns {Record<string, { size: number, sha256: string }>}
 */
export function ownFiles() {
  const folders = /** @type {const} */ ([
    ['public/demo', 'demo/'],
    ['public/models/pico', 'pico/'],
  ]);
  const found = folders.flatMap(([folder, prefix]) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== 'README.md')
      .map(({ parentPath, name }) => {
        const path = join(parentPath, name);
        const bytes = readFileSync(path);
        const named = prefix + relative(join(root, folder), path).replaceAll('\\', '/');
        return /** @type {const} */ ([
          named,
          { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') },
        ]);
      }),
  );
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** @param {string} path @param {unknown} content */
async function write(path, content) {
  writeFileSync(join(root, path), await format(JSON.stringify(content), { parser: 'json', printWidth: 110 }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await write('src/host/browser/own-files.json', ownFiles());
  // The page's code, as the page has it.
  const vite = await createServer({
    root,
    appType: 'custom',
    server: { middlewareMode: true },
    logLevel: 'warn',
  });
  try {
    /** @param {string} path */
    const load = (path) => vite.ssrLoadModule(pathToFileURL(join(root, path)).href);
    const { DemoSearch } = await load('src/studio/demo-search.ts');
    const { makeExamples } = await load('src/studio/demo-examples.ts');
    const { openTree } = await load('src/host/node/files.ts');
    const { openModelFiles } = await load('src/host/node/model-files.ts');
    const search = await DemoSearch.open(await openTree(join(root, 'public/demo')));
    await search.addEncoder(await openModelFiles().open('pico'));
    await write('src/studio/demo-examples.json', await makeExamples(search));
  } finally {
    await vite.close();
  }
}
