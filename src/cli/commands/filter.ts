import type { Command } from 'commander';
import { printable } from '../../core/shown.ts';
import { InputError } from '../../core/errors.ts';
import { formatRule, parseRules } from '../../lists/rule-spec.ts';
import { describeRules } from '../../lists/rules/describe-rules.ts';
import { scoreGroupNames } from '../../lists/score-groups.ts';
import { filterExamples } from '../../lists/filter-table.ts';
import type { FragmentInput } from '../../pipeline/fragment-schema.ts';
import { guardedSplits } from '../corpus-options.ts';
import { addEvidenceOptions, evidenceOf, type EvidenceOptions } from '../evidence-options.ts';
import { addStoreOptions, withFragment, type StoreOptions } from '../fragment-command.ts';
import type { CliIo } from '../io.ts';
import { addListOutputOptions, writeListFile, type ListOutputOptions } from '../list-output.ts';
import { warnAboutLists } from '../lists-warnings.ts';
import { addComputeOptions, choiceOption, integerOption, type ComputeOptions } from '../options.ts';
import { checkOutputFile } from '../output-file.ts';
import { addTeacherOptions, teacherOf, type TeacherOptions } from '../teacher-options.ts';
import { printTables } from '../text-table.ts';

interface FilterOptions
  extends TeacherOptions, EvidenceOptions, StoreOptions, ListOutputOptions, ComputeOptions {
  readonly lists: string;
  readonly corpus?: string;
  readonly rules?: string;
  readonly group: (typeof scoreGroupNames)[number];
  readonly mark?: boolean;
  readonly examples: number;
}

export function registerFilter(program: Command, io: CliIo): void {
  const command = program
    .command('filter')
    .description(
      'Remove likely false negatives and weak lists from training lists, using rules on scores, ranks, words and labels.',
    )
    .requiredOption('--lists <lists>', 'Training lists (JSONL)')
    .option(
      '--corpus <dir>',
      'Corpus in BEIR layout, a folder or zip; its test and dev queries are removed from the lists',
    )
    .option(
      '--rules <rules>',
      'Rules for what to keep, e.g. "share<=0.95, margin>=0.05@bm25, length>=5" (see below)',
    )
    .option(
      '--group <group>',
      'Group of scores that the rule "percentile" is computed over: query, source or file',
      choiceOption('--group', scoreGroupNames),
      'file',
    )
    .option('--mark', 'Keep every passage and mark it with the verdicts of the rules')
    .option(
      '--examples <n>',
      'Number of kept and of dropped passages to show for each rule',
      integerOption('--examples', { min: 0, max: 100 }),
      2,
    );
  addListOutputOptions(command);
  addTeacherOptions(command);
  addEvidenceOptions(command);
  addStoreOptions(command);
  addComputeOptions(command)
    .addHelpText('after', `\n${describeRules()}`)
    .action((options: FilterOptions) => filter(options, io));
}

async function filter(options: FilterOptions, io: CliIo): Promise<void> {
  const { lists: file, rules, mark = false, format, group, examples, teacher, guide } = options;
  if (mark && format !== 'studio') {
    throw new InputError(`--mark writes verdicts, which the format ${format} cannot store`, {
      remedy: 'Use --mark without --format, or --format without --mark',
    });
  }
  await checkOutputFile(options.out);
  const fragment = await fragmentOf(options, io);
  const runsModel = (teacher ?? guide) !== undefined;
  await withFragment(fragment, options, { file, runsModel }, io, async (job) => {
    const stack = rules === undefined ? undefined : 'rules';
    const prepared = await job.lists('lists', stack, { filter: { mark, group, examples } });
    const { lists, source, filtered } = prepared;
    const { value: given } = await job.resultOf(source);
    await writeListFile(await job.listsOf(lists), options, io);
    await warnAboutLists(prepared, job, io);
    const filtering = filtered && (await job.resultOf(filtered)).value;
    const report = filtering?.filter ?? null;
    const kept = filtering?.kept ?? { lists: given.lists, passages: given.passages };
    io.printJson({ lists: options.out, kept, report });
    printTables(filtering === undefined ? [] : (filtered?.tables?.(filtering) ?? []), io);
    for (const { rule, what, query_id, query, source: from, id, text, reason } of filterExamples(report)) {
      io.print(
        `${rule} ${what}${reason}: query ${query_id} "${printable(query, 60)}", ${from} ${id} "${printable(text, 80)}"`,
      );
    }
    io.print(`kept: ${kept.passages} of ${given.passages} passages, ${kept.lists} of ${given.lists} lists`);
  });
}

async function fragmentOf(options: FilterOptions, io: CliIo): Promise<FragmentInput> {
  const { corpus: folder, lists: file, rules } = options;
  const [teacher, evidence] = [await teacherOf(options, io), await evidenceOf(options, io)];
  const addsNothing =
    teacher.from === 'stored' && teacher.scale === null && Object.keys(evidence).length === 0;
  if (rules === undefined && addsNothing) {
    throw new InputError('neither --rules nor --teacher was passed', {
      remedy: 'Use --rules, as in --rules "share<=0.95, length>=5", or --teacher to add scores',
    });
  }
  return {
    ...(folder !== undefined && { corpus: { folder, ...(await guardedSplits(folder)) } }),
    sources: { lists: { kind: 'lists', file } },
    ...{ teacher, evidence },
    filters: rules === undefined ? {} : { rules: parseRules(rules).map(formatRule) },
  };
}
