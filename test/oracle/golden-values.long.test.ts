/** The committed golden values are what PyTorch, transformers, trec_eval and scipy compute: each script is run again. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { readSafetensors, toFloat32 } from '../../src/formats/safetensors.ts';
import { realModel } from '../support/models.ts';
import { pythonLacks, runPython } from '../support/python.ts';
import { itUnless } from '../support/skip.ts';

const committed = fileURLToPath(new URL('../golden', import.meta.url));
const oracle = fileURLToPath(new URL('.', import.meta.url));
const noTorch = pythonLacks('torch', 'transformers', 'safetensors', 'tokenizers');
const minutes = 20 * 60_000;

/** What a machine or a release may change: rounding errors that were measured, and versions. */
const measured = new Set(['versions', 'float32Noise']);

/** Of two JSON documents: the places where they differ by more than the last bits of a float32. */
function differences(a: unknown, b: unknown, path = '$'): string[] {
  if (typeof a === 'number' && typeof b === 'number') {
    return Math.abs(a - b) <= 1e-5 * Math.max(1, Math.abs(b)) ? [] : [`${path}: ${a} and ${b}`];
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return a === b ? [] : [`${path}: ${String(a)} and ${String(b)}`];
  }
  const [left, right] = [a, b] as Record<string, unknown>[];
  const keys = new Set([...Object.keys(left!), ...Object.keys(right!)]);
  return [...keys]
    .filter((key) => !measured.has(key))
    .flatMap((key) => differences(left![key], right![key], `${path}.${key}`));
}

function tensorDifferences(a: string, b: string): string[] {
  const [left, right] = [a, b].map(
    (path) => readSafetensors(new Uint8Array(readFileSync(path)), path).tensors,
  );
  expect([...left!.keys()]).toEqual([...right!.keys()]);
  return [...left!].flatMap(([name, tensor]) => {
    if (!/^B?F/.test(tensor.dtype))
      return tensor.dtype === right!.get(name)?.dtype ? [] : [`${name}: another type`];
    const values = toFloat32(tensor, name, a);
    const others = toFloat32(right!.get(name)!, name, b);
    const scale = Math.max(1, ...others.map(Math.abs));
    const worst = values.reduce((max, value, i) => Math.max(max, Math.abs(value - others[i]!)), 0);
    return values.length === others.length && worst <= 1e-5 * scale ? [] : [`${name}: apart by ${worst}`];
  });
}

/** Runs a script on a copy of the golden values, and holds what it wrote against them. */
function rerun(script: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'studio-golden-'));
  try {
    cpSync(committed, folder, { recursive: true });
    runPython([join(oracle, script)], { STUDIO_GOLDEN: folder });
    let compared = 0;
    for (const entry of readdirSync(committed, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = relative(committed, join(entry.parentPath, entry.name));
      const [before, after] = [join(committed, path), join(folder, path)];
      if (extname(path) === '.safetensors') {
        expect(tensorDifferences(after, before), path).toEqual([]);
      } else if (extname(path) === '.json') {
        const [left, right] = [after, before].map(
          (file) => JSON.parse(readFileSync(file, 'utf8')) as unknown,
        );
        expect(differences(left, right), path).toEqual([]);
      } else {
        continue;
      }
      compared++;
    }
    expect(compared).toBeGreaterThan(10);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (const script of ['encoders.py', 'losses.py', 'ops.py', 'schedules.py', 'torch_bin.py', 'train.py']) {
  itUnless(noTorch, `PyTorch computes the golden values of ${script} again`, () => rerun(script), minutes);
}
itUnless(
  noTorch ?? pythonLacks('sentence_transformers', 'model2vec', 'scipy'),
  'PyTorch, sentence-transformers and model2vec compute the golden values of static encoders again',
  () => rerun('static.py'),
  minutes,
);
itUnless(
  pythonLacks('pytrec_eval', 'numpy'),
  'trec_eval computes the golden measures again',
  () => rerun('metrics.py'),
  minutes,
);
itUnless(
  pythonLacks('scipy', 'numpy'),
  'scipy computes the golden significance tests again',
  () => rerun('significance.py'),
  minutes,
);
itUnless(
  noTorch ?? realModel('all-MiniLM-L6-v2').missing,
  'PyTorch computes the golden values of the real all-MiniLM-L6-v2 again',
  () => rerun('minilm.py'),
  minutes,
);
