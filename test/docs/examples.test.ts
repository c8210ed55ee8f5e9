import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { buildIfStale } from '../../scripts/build.mjs';
import { temporaryFolder } from '../support/cli.ts';
import { listFile, makeLists } from '../support/training-lists.ts';

const root = resolve(fileURLToPath(import.meta.url), '../../..');

/** The TypeScript blocks of a page, by the file that each would be. */
function examplesOf(page: string): Map<string, string> {
  const text = readFileSync(`${root}/${page}`, 'utf8');
  const blocks = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code ?? '');
  return new Map(blocks.map((code, i) => [`${root}/example-${i + 1}.ts`, `${code}\nexport {};\n`]));
}

/** What the compiler says of the examples, each with the page's own package names. */
function complaints(examples: ReadonlyMap<string, string>): string[] {
  const { config } = ts.readConfigFile(`${root}/tsconfig.json`, (file) => ts.sys.readFile(file)) as {
    config: unknown;
  };
  const { options } = ts.parseJsonConfigFileContent(config, { ...ts.sys, readDirectory: () => [] }, root);
  options.paths = {
    'retriever-studio': [`${root}/src/index.ts`],
    'retriever-studio/node': [`${root}/src/node.ts`],
  };
  // An example may show a value without using it.
  options.noUnusedLocals = false;
  const host = ts.createCompilerHost(options);
  const read = host.readFile.bind(host);
  const exists = host.fileExists.bind(host);
  host.readFile = (file) => examples.get(file) ?? read(file);
  host.fileExists = (file) => examples.has(file) || exists(file);
  const getSourceFile = host.getSourceFile.bind(host);
  host.getSourceFile = (file, ...rest) => {
    const example = examples.get(file);
    return example === undefined
      ? getSourceFile(file, ...rest)
      : ts.createSourceFile(file, example, ts.ScriptTarget.Latest);
  };
  const program = ts.createProgram([...examples.keys()], options, host);
  return [...examples.keys()].flatMap((file) => {
    const source = program.getSourceFile(file);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map((item) => `${file}: ${ts.flattenDiagnosticMessageText(item.messageText, ' ')}`);
  });
}

it('the examples of docs/library.md compile', () => {
  const examples = examplesOf('docs/library.md');
  expect(examples.size).toBeGreaterThan(2);
  expect(complaints(examples)).toEqual([]);
});

/** Runs the example of a section as a program of its own, in a folder with the files. @returns what it prints */
async function runExample(heading: string, files: Readonly<Record<string, string>>): Promise<string[]> {
  await buildIfStale();
  const [, section = ''] = readFileSync(`${root}/docs/library.md`, 'utf8').split(`\n## ${heading}\n`);
  const [, code = ''] = /^```ts\n(.*?)^```$/ms.exec(section) ?? [];
  expect(code, heading).not.toBe('');
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  const { outputText } = ts.transpileModule(code, { compilerOptions: options });
  const cwd = temporaryFolder(files);
  mkdirSync(join(cwd, 'node_modules'));
  symlinkSync(root, join(cwd, 'node_modules/retriever-studio'));
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', outputText], { cwd });
  return printed.toString().trimEnd().split('\n');
}

it('the example that mixes sources deals what its weights say', async () => {
  const lists = makeLists(48);
  const files = { 'mined.jsonl': listFile(lists.slice(0, 32)), 'written.jsonl': listFile(lists.slice(32)) };
  // Weights of written beside 3: 1, 0.8, 0.6, 0.4, 0.2, 0 of 16 rows, 12.9 in all.
  expect(await runExample('Mix sources', files)).toEqual(
    [4, 3, 3, 2, 1, 0].map((written, at) => `step ${at + 1}: ${written} of 16 rows are written`),
  );
});

it('the example that diagnoses sources prints a line for each', async () => {
  const lists = makeLists(24).map((list) => ({
    ...list,
    documents: list.documents.map((document, i) => (i === 2 ? { ...document, source: 'written' } : document)),
  }));
  const printed = await runExample('Diagnose sources', { 'lists.jsonl': listFile(lists) });
  const number = '-?\\d[\\d.e-]*';
  expect(printed).toEqual(
    ['bm25', 'written'].map((source): unknown =>
      expect.stringMatching(`^${source} 24 ${number} ${number} 0 ${number} ${number}$`),
    ),
  );
});

it('an example that does not compile is found', () => {
  const wrong = `import { evaluate } from 'retriever-studio';\nevaluate('no judgments');`;
  expect(complaints(new Map([[`${root}/example-1.ts`, wrong]]))).toEqual([
    expect.stringContaining('Expected 3-4 arguments, but got 1'),
  ]);
});
