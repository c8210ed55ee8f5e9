import type { Command } from 'commander';
import type { ListFormat } from '../../corpus/lists.ts';
import { readLists, writeLists } from '../../corpus/lists.ts';
import { ReadReport } from '../../corpus/report.ts';
import { printable } from '../../corpus/shown.ts';
import type { ListRecord } from '../../corpus/types.ts';
import { InputError } from '../../host/errors.ts';
import { applyRules, type FilterReport, type RuleExample, type RuleReport } from '../../mining/filter.ts';
import { parseRules } from '../../mining/rule-spec.ts';
import { filterRules } from '../../mining/rules/index.ts';
import { scoreGroupNames } from '../../mining/score-groups.ts';
import { keepPassages } from '../../mining/verdicts.ts';
import { openFile } from '../input-files.ts';
import type { CliIo } from '../io.ts';
import type { JudgmentOptions } from '../judgment-options.ts';
import {
  addJudgmentOptions,
  applyJudgments,
  checkJudgmentOptions,
  givesJudgments,
} from '../judgment-options.ts';
import type { ComputeOptions } from '../options.ts';
import { addComputeOptions, choiceOption, integerOption } from '../options.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import type { TeacherOptions } from '../teacher-options.ts';
import { addTeacherOptions, applyTeacher, checkTeacherOptions } from '../teacher-options.ts';
import { textTable } from '../text-table.ts';

interface FilterCommandOptions extends TeacherOptions, JudgmentOptions, ComputeOptions {
  readonly lists: string;
  readonly out: string;
  readonly rules?: string;
  readonly group: (typeof scoreGroupNames)[number];
  readonly mark?: boolean;
  readonly examples: number;
  readonly format: ListFormat;
}

const formats = ['studio', 'sentence-transformers', 'tevatron', 'flagembedding'] as const;

export function registerFilter(program: Command, io: CliIo): void {
  const command = program
    .command('filter')
    .description(
      'Takes likely false negatives and weak lists out of training lists, by rules over scores, ranks, words and labels.',
    )
    .requiredOption('--lists <lists>', 'the training lists, as JSONL')
    .requiredOption('--out <lists>', 'the JSONL file to write')
    .option('--rules <rules>', 'what stays, as in "share<=0.95, margin>=0.05@bm25, length>=5" (see below)')
    .option(
      '--group <group>',
      'whose scores the rule "percentile" takes together: query, source or file',
      choiceOption('--group', scoreGroupNames),
      'file',
    )
    .option('--mark', 'write every passage with its verdicts and take out none, to filter again later')
    .option(
      '--examples <n>',
      'show as many passages that each rule kept, and dropped',
      integerOption('--examples', { min: 0, max: 100 }),
      1,
    )
    .option(
      '--format <name>',
      `the form of the lines: ${formats.join(', ')}`,
      choiceOption('--format', formats),
      'studio',
    );
  addTeacherOptions(command);
  addJudgmentOptions(command);
  addComputeOptions(command)
    .addHelpText('after', `\n${describeRules()}`)
    .action((options: FilterCommandOptions) => filter(options, io));
}

async function filter(options: FilterCommandOptions, io: CliIo): Promise<void> {
  const { teacher, teacherScores, scale } = options;
  const addsScores = (teacher ?? teacherScores ?? scale) !== undefined;
  if (options.rules === undefined && !addsScores && !givesJudgments(options)) {
    throw new InputError('nothing to do is given', {
      remedy: 'Give --rules, as in --rules "share<=0.95, length>=5", or scores to add with --teacher',
    });
  }
  const rules = options.rules === undefined ? [] : parseRules(options.rules);
  if (options.mark === true && options.format !== 'studio') {
    throw new InputError(`--mark writes verdicts, which ${options.format} has no place for`, {
      remedy: 'Leave --mark or --format out',
    });
  }
  checkTeacherOptions(options);
  checkJudgmentOptions(options);
  await checkOutputFile(options.out);
  const lists = await readAll(options.lists, io);
  const scored = await applyJudgments(await applyTeacher(lists, options, io), options, io);
  const { lists: judged, report } = applyRules(scored, rules, options);
  const kept = keepPassages(judged);
  if (kept.lists.length === 0 && options.mark !== true) throw nothingLeft(report, options.lists);
  let unwritable = 0;
  await writeOutputFile(
    options.out,
    writeLists(options.mark === true ? judged : kept.lists, options.format, {
      onSkipped: () => unwritable++,
    }),
  );
  if (unwritable > 0) {
    io.warn(`${unwritable} lists have no passage of a kind that ${options.format} needs: left out`);
  }
  io.printJson({ lists: options.out, kept: { ...kept.report }, report });
  printReport(report, io);
  io.print(
    `stay: ${kept.report.passages} of ${report.passages} passages, ${kept.report.lists} of ${report.lists} lists`,
  );
}

async function readAll(path: string, io: CliIo): Promise<readonly ListRecord[]> {
  const readReport = new ReadReport();
  const lists: ListRecord[] = [];
  for await (const list of readLists(await openFile(path), { report: readReport })) lists.push(list);
  for (const warning of readReport.warnings()) io.warn(warning);
  if (lists.length === 0) {
    throw new InputError('holds no lists', { file: path, remedy: 'Make some with `mine`' });
  }
  return lists;
}

function nothingLeft({ rules }: FilterReport, file: string): InputError {
  const [most] = [...rules].sort((a, b) => b.counts.dropped - a.counts.dropped);
  const blame = most === undefined ? '' : `; "${most.rule}" dropped ${most.counts.dropped} ${most.judges}`;
  return new InputError(`no list is left${blame}`, {
    file,
    remedy: 'Loosen the rules, or look at them with --mark',
  });
}

function printReport({ rules }: FilterReport, io: CliIo): void {
  if (rules.length === 0) return;
  const rows = rules.map((rule) => [
    rule.rule,
    rule.judges,
    String(rule.counts.kept),
    String(rule.counts.dropped),
    String(rule.counts.skipped),
    droppedBySource(rule),
  ]);
  const header = ['rule', 'judges', 'kept', 'dropped', 'could not judge', 'passages dropped by source'];
  for (const line of textTable(header, rows)) io.print(line);
  for (const { rule, keptExamples, droppedExamples } of rules) {
    for (const example of keptExamples) io.print(describeExample(rule, 'kept', example));
    for (const example of droppedExamples) io.print(describeExample(rule, 'dropped', example));
  }
}

function droppedBySource({ bySource }: RuleReport): string {
  return Object.entries(bySource)
    .filter(([, { dropped }]) => dropped > 0)
    .map(([source, { dropped }]) => `${source} ${dropped}`)
    .join(', ');
}

function describeExample(rule: string, what: string, example: RuleExample): string {
  const { query_id, query, source, id, text, verdict } = example;
  const reason = verdict.startsWith('drop: ') ? ` (${verdict.slice(6)})` : '';
  return `${rule} ${what}${reason}: query ${query_id} "${printable(query, 60)}", ${source} ${id} "${printable(text, 80)}"`;
}

function describeRules(): string {
  const rows = filterRules.map(({ name, bound, keeps, origin }) => [
    `${name}${bound}T`,
    `${keeps}${origin === undefined ? '' : `; ${origin}`}`,
  ]);
  const width = Math.max(...rows.map(([rule = '']) => rule.length));
  return [
    'Rules, each of which judges what those before it left, and never drops a positive but with its whole list:',
    ...rows.map(([rule = '', keeps = '']) => `  ${rule.padEnd(width)}  ${keeps}`),
    'With @SOURCE behind it a rule about passages judges those of one source only, and "rank" one retriever.',
  ].join('\n');
}
