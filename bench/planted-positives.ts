/**
 * Known answers among the negatives: what each filter rule finds of them. Of each query with several judged answers
 * the best is the positive, the others are labeled 0; BM25's top 20 stand beside them.
 *
 * Run: npm run bench -- planted-positives [demo] [scifact] [nq-utd]
 * Teacher and guide are nano; on the demo's short passages all-MiniLM-L6-v2 in $STUDIO_MODELS teaches, where there is
 * one. The demo's corpus is in the repository; scifact and nq-utd are looked for in $STUDIO_DATA or ../shared/data.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ListRecord } from '../src/corpus/types.ts';
import type { Runtime } from '../src/host/contract.ts';
import { openRuntime } from '../src/host/node/runtime.ts';
import { withAnswers } from '../src/lists/answers.ts';
import { applyRules } from '../src/lists/filter.ts';
import { guideLists } from '../src/lists/guide.ts';
import { filterQuality, filterRates } from '../src/lists/planted.ts';
import { parseRules } from '../src/lists/rule-spec.ts';
import { scaleTeacherScores } from '../src/lists/scaling.ts';
import { scoreLists } from '../src/lists/teacher.ts';
import {
  isPlantedAnswer,
  plantJudged,
  withEncoderTeacher,
  type PlantOptions,
} from '../test/lists/planted-judgments.ts';
import { printTable } from './support/measure.ts';

const RULES = [
  'share<=0.95',
  'share<=0.8',
  'share<=0.6',
  'margin>=0',
  'margin>=0.1',
  'relative-margin>=0.05',
  'teacher-rank<=1',
  'guide-margin>=0',
  'guide-margin>=0.1',
  'guide-relative-margin>=0.05',
  'answers<=0',
  'positive-overlap<=0.4',
  'negative-overlap<=0.4',
  'share<=0.8, guide-margin>=0',
];
/** Of scores from 0 to 1, over the file. */
const SCALED = ['share<=0.95', 'share<=0.6'];

interface Collection extends PlantOptions {
  readonly name: string;
  readonly teacher: string;
}

const models = process.env.STUDIO_MODELS;
const teacher = models === undefined ? 'nano' : `${models}/all-MiniLM-L6-v2`;
const data = process.env.STUDIO_DATA ?? '../shared/data';
const collections: readonly Collection[] = [
  { name: 'demo', teacher, folder: 'public/demo', split: 'train', level: 2, negatives: 20 },
  {
    name: 'scifact',
    teacher: 'nano',
    folder: join(data, 'datasets/scifact'),
    split: 'train',
    level: 1,
    negatives: 20,
  },
  {
    name: 'nq-utd',
    teacher: 'nano',
    folder: join(data, 'datasets/nq-utd'),
    split: 'test',
    level: 1,
    negatives: 20,
  },
];

/** nq-utd gives a short answer with each query. */
function answersOf(folder: string): Map<string, string[]> {
  const answers = new Map<string, string[]>();
  for (const line of readFileSync(join(folder, 'queries.jsonl'), 'utf8').trimEnd().split('\n')) {
    const { _id, metadata } = JSON.parse(line) as { _id: string; metadata?: { answer?: unknown } };
    if (typeof metadata?.answer === 'string') answers.set(_id, [metadata.answer]);
  }
  return answers;
}

async function measure(runtime: Runtime, collection: Collection): Promise<void> {
  const planted = await plantJudged(collection);
  const known = withAnswers(planted, answersOf(collection.folder));
  const guided = await withEncoderTeacher(runtime, 'nano', (guide) => guideLists(known, guide));
  const lists = await withEncoderTeacher(runtime, collection.teacher, (model) => scoreLists(guided, model));
  const negatives = lists.flatMap(({ documents }) => documents.filter(({ label }) => label === 0));
  const answers = negatives.filter(isPlantedAnswer).length;
  console.log(
    `${collection.name}, teacher ${basename(collection.teacher)}: ${lists.length} lists, ${negatives.length} negatives, of which ${answers} are answers: ` +
      `by chance ${(answers / negatives.length).toFixed(3)} of what is dropped would be\n`,
  );
  const rows: string[][] = [];
  const add = (name: string, of: readonly ListRecord[], rules: string): void => {
    const { lists: judged, report } = applyRules(of, parseRules(rules));
    const { precision, recall, lost } = filterRates(filterQuality(judged));
    const { skipped } = report.rules[0]?.counts ?? { skipped: 0 };
    const figures = [precision, recall, lost].map((value) => (Number.isNaN(value) ? '–' : value.toFixed(3)));
    rows.push([name, ...figures, String(skipped)]);
  };
  for (const rules of RULES) {
    if (rules.startsWith('answers') && !lists.some((list) => list.answers !== undefined)) continue;
    add(rules, lists, rules);
  }
  const scaled = scaleTeacherScores(lists, { group: 'file' });
  for (const rules of SCALED) add(`scaled: ${rules}`, scaled, rules);
  printTable(['rules', 'precision', 'recall', 'true negatives lost', 'could not judge'], rows);
}

const runtime = await openRuntime({ device: 'cpu' });
const before = process.cpuUsage();
const wanted = process.argv.slice(2);
for (const collection of collections) {
  if (wanted.length > 0 && !wanted.includes(collection.name)) continue;
  if (existsSync(collection.folder)) await measure(runtime, collection);
  else console.log(`${collection.name} is left out: there is no ${collection.folder}\n`);
}
const { user, system } = process.cpuUsage(before);
console.log(`${((user + system) / 1e6).toFixed(0)} s of processor time`);
await runtime.close();
