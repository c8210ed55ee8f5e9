// @ts-check
/** Puts together the folder that measures a GPU: the archive's content, and what `npm run gpu -- run` starts. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { builtinModules, createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));
/** Where everything that is made here goes. */
export const workFolder = join(root, 'dist', 'gpu');

/** The reference training: tokens, losses and weights that PyTorch computed. */
const golden = [
  'train-100.json',
  ...['golden.json', 'golden.safetensors', 'model.safetensors'].map((file) => `encoders/tiny-bert/${file}`),
];

/** @returns {string} the folder */
export function assembleBenchmark() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error('The GPU benchmark is for Linux on x64. Run this there.');
  }
  const folder = join(workFolder, 'retriever-studio-gpu');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(here)) {
    if (file.endsWith('.py') || file === 'parts.json') cpSync(join(here, file), join(folder, file));
  }
  cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  assembleStudio(join(folder, 'studio'));
  assembleNode(join(folder, 'bin', 'node'));
  copyLibraries(['libvulkan.so.1'], join(folder, 'lib', 'vulkan'));
  copyLibraries(['libstdc++.so.6', 'libgcc_s.so.1'], join(folder, 'lib', 'cxx'));
  return folder;
}

/** @param {string} folder */
function assembleStudio(folder) {
  const compiled = join(workFolder, 'compiled');
  rmSync(compiled, { recursive: true, force: true });
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', join(here, 'tsconfig.json')], {
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('The benchmark does not compile. Fix what the compiler names.');
  cpSync(compiled, folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ type: 'module', private: true })}\n`);
  for (const file of golden) cpSync(join(root, 'test', 'golden', file), join(folder, 'test', 'golden', file));
  copyPackages(importedPackages(compiled), join(folder, 'node_modules'));
}

/**
 * The packages that compiled files import, by name.
 * @param {string} folder
 */
function importedPackages(folder) {
  const names = new Set();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.js')) continue;
    const source = readFileSync(join(entry.parentPath, entry.name), 'utf8');
    for (const [, specifier = ''] of source.matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)) {
      const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
      const isPackage =
        !specifier.startsWith('.') && !name.startsWith('node:') && !builtinModules.includes(name);
      if (isPackage && existsSync(join(root, 'node_modules', name, 'package.json'))) names.add(name);
    }
  }
  return names;
}

/** Of onnxruntime-node's: they belong to its install script, which nothing runs here. */
const installOnly = new Set(['adm-zip', 'global-agent']);
/** Other systems' libraries, other module formats' types, what only a reader of the sources opens. */
const leftOut =
  /\/onnxruntime-node\/(bin\/(?!napi-v\d+(\/linux(\/x64(\/.*)?)?)?$).+|script|lib)$|\.d\.[cm]?ts$|\.map$|\.md$/;

/**
 * @param {Iterable<string>} names
 * @param {string} target
 */
function copyPackages(names, target) {
  const waiting = [...names];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const source = join(root, 'node_modules', name);
    if (existsSync(join(target, name))) continue;
    cpSync(source, join(target, name), {
      recursive: true,
      dereference: true,
      filter: (path) => !leftOut.test(path),
    });
    const { dependencies = {} } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
    waiting.push(...Object.keys(dependencies).filter((each) => !installOnly.has(each)));
  }
}

/**
 * The Node that runs this, without its symbols where `strip` takes them out and it still runs.
 * @param {string} target
 */
function assembleNode(target) {
  const needed = execFileSync('ldd', [process.execPath], { encoding: 'utf8' });
  const foreign = [...needed.matchAll(/^\s*(\S+) =>/gm)]
    .map(([, name = '']) => name)
    .filter((name) => !/^(ld-linux|lib(c|dl|m|pthread|rt|atomic|gcc_s|stdc\+\+))[-.]/.test(name));
  if (foreign.length > 0) {
    throw new Error(
      `${process.execPath} needs ${foreign.join(', ')}, which other machines lack. Use an official build from nodejs.org.`,
    );
  }
  mkdirSync(dirname(target), { recursive: true });
  cpSync(process.execPath, target, { dereference: true });
  chmodSync(target, 0o755);
  const stripped = `${target}.stripped`;
  const strip = spawnSync('strip', ['-o', stripped, target], { stdio: 'ignore' });
  if (strip.status === 0 && spawnSync(stripped, ['-p', '1 + 1'], { encoding: 'utf8' }).stdout === '2\n') {
    rmSync(target);
    cpSync(stripped, target);
  }
  rmSync(stripped, { force: true });
}

/**
 * Copies shared libraries of this machine, for machines that lack them.
 * @param {readonly string[]} names
 * @param {string} target
 */
function copyLibraries(names, target) {
  const cache = execFileSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' });
  mkdirSync(target, { recursive: true });
  for (const name of names) {
    const line = cache.split('\n').find((each) => each.trim().startsWith(`${name} (libc6,x86-64)`));
    const path = line?.split('=> ')[1];
    if (path === undefined) {
      throw new Error(
        `This machine has no ${name}. Install it (Debian: apt-get install libvulkan1 libstdc++6).`,
      );
    }
    cpSync(path, join(target, basename(name)), { dereference: true });
  }
}
