import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './cli.ts';

export interface SmallCollection {
  /** Document id → [title, text]. */
  readonly documents: Readonly<Record<string, readonly [title: string, text: string]>>;
  readonly queries: Readonly<Record<string, string>>;
  /** Split → lines of query id, document id, grade. */
  readonly judgments: Readonly<Record<string, readonly (readonly [string, string, number])[]>>;
}

/** Writes a collection in BEIR's layout to a temporary folder, removed when the test ends. */
export function writeCollection({ documents, queries, judgments }: SmallCollection): string {
  const folder = temporaryFolder();
  const lines = (records: readonly object[]): string =>
    records.map((record) => `${JSON.stringify(record)}\n`).join('');
  writeFileSync(
    join(folder, 'corpus.jsonl'),
    lines(Object.entries(documents).map(([_id, [title, text]]) => ({ _id, title, text }))),
  );
  writeFileSync(
    join(folder, 'queries.jsonl'),
    lines(Object.entries(queries).map(([_id, text]) => ({ _id, text }))),
  );
  mkdirSync(join(folder, 'qrels'));
  for (const [split, rows] of Object.entries(judgments)) {
    const table = rows.map((row) => `${row.join('\t')}\n`).join('');
    writeFileSync(join(folder, 'qrels', `${split}.tsv`), `query-id\tcorpus-id\tscore\n${table}`);
  }
  return folder;
}

/** Four passages about wings and heat, with two queries each for training and testing. */
export const aerodynamics: SmallCollection = {
  documents: {
    wing: ['Swept wings', 'the flow over a swept wing at high speed'],
    slip: ['', 'a wing in a propeller slipstream'],
    heat: ['Heat conduction', 'heat conduction in composite slabs'],
    panel: ['Panel flutter', 'flutter of heated panels on a wing'],
    copy: ['swept  WINGS', 'The flow over a swept wing at high speed'],
  },
  queries: {
    q1: 'flow over wings',
    q2: 'conduction of heat',
    q3: 'swept wing flow',
    q4: 'heat in slabs',
    slip: 'a wing in a propeller slipstream',
  },
  judgments: {
    test: [
      ['q1', 'wing', 2],
      ['q1', 'slip', 1],
      ['q2', 'heat', 1],
      ['slip', 'wing', 1],
    ],
    train: [
      ['q3', 'wing', 1],
      ['q4', 'heat', 1],
    ],
  },
};
