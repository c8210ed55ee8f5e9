/** Trainings of a tiny model on lists of two sources, by `train --mix`. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { onlyJson, runCli, type CliResult } from '../support/cli.ts';
import { tinyModel } from '../support/model-folder.ts';
import { listFile, makeLists } from '../support/training-lists.ts';

interface Report {
  readonly steps: number;
  readonly losses: readonly number[];
  readonly evaluations: readonly object[];
}

const all = makeLists(36);
/** The lists of each source. */
export const files = { 'mined.jsonl': listFile(all.slice(0, 24)), 'written.jsonl': listFile(all.slice(24)) };
export const mix = {
  batches: 'mixed',
  sources: [
    { source: 'mined', weight: 3, choice: 'easy-to-hard' },
    { source: 'written', endWeight: 0, temperature: 0.2 },
  ],
};

/** A folder with the lists and `mix.json`, for the tests of a file. */
export function mixedTrainings() {
  const folder = mkdtempSync(join(tmpdir(), 'studio-train-mix-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);

  /** Writes `NAME.json`, the mix with changes. */
  const writeMix = (name: string, changes: object): void =>
    writeFileSync(join(folder, `${name}.json`), JSON.stringify({ ...mix, ...changes }));
  writeMix('mix', {});

  /** A training of tiny-bert, in `folder`, on both sources by the mix of a file. */
  const command = (out: string, mixName: string, ...args: readonly string[]): string[] => [
    ...['train', '--model', tinyModel('tiny-bert'), '--mix', join(folder, `${mixName}.json`)],
    ...['mined', 'written'].flatMap((name) => ['--lists', `${name}=${join(folder, `${name}.jsonl`)}`]),
    ...['--batch-size', '4', '--negatives', '1', '--lr', '2e-3', '--threads', '1'],
    ...['--out', join(folder, out), ...args],
  ];
  return {
    folder,
    writeMix,
    command,
    trainTo: (out: string, mixName: string, ...args: readonly string[]): Promise<CliResult> =>
      runCli(command(out, mixName, ...args)),
    reportOf: (result: CliResult): Report => onlyJson(result) as Report,
    weightsOf: (out: string): Buffer => readFileSync(join(folder, out, 'model.safetensors')),
  };
}
