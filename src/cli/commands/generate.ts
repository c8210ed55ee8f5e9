import type { Command } from 'commander';
import { readBeir } from '../../corpus/beir.ts';
import { passageText, readDocuments } from '../../corpus/documents.ts';
import { readLists, writeLists } from '../../corpus/lists.ts';
import { ReadReport } from '../../corpus/report.ts';
import { withoutTopFolder } from '../../corpus/source.ts';
import type { ListRecord } from '../../corpus/types.ts';
import { fillPrompt } from '../../generation/fill-prompt.ts';
import type { GenerationEvent, GenerationResult } from '../../generation/generation-run.ts';
import { importLog, logLines } from '../../generation/log-file.ts';
import { GenerationLog } from '../../generation/log.ts';
import { promptName, withChosen, type Prompt } from '../../generation/prompt.ts';
import { promptById, prompts as builtIn } from '../../generation/prompts/index.ts';
import { parsePrompt } from '../../generation/read-prompt.ts';
import { runGeneration, taskSeed } from '../../generation/run-generation.ts';
import { writingSettingTable } from '../../generation/writing-setting-table.ts';
import { asksAboutPassages, listsFrom, tasksFor, type Subject } from '../../generation/subject.ts';
import { StoreFencedError } from '../../host/contract.ts';
import { InputError } from '../../host/errors.ts';
import type { Chosen } from '../../host/setting.ts';
import { settingRanges } from '../../host/setting-ranges.ts';
import type { Generator } from '../../host/generator.ts';
import { goldLists } from '../../recipes/recipe-corpus.ts';
import { isPromptFile } from '../../recipes/recipe-prompts.ts';
import { promptReport } from '../../recipes/written-report.ts';
import { sampleOf } from '../../recipes/written-about.ts';
import { addGeneratorOptions, openChosenGenerator } from '../generators.ts';
import { openFile, openStore, openTree, readText } from '../input-files.ts';
import { Interruption } from '../interruption.ts';
import type { CliIo, Progress } from '../io.ts';
import { integerOption } from '../options.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import { formatDuration } from '../progress.ts';
import { addSettingOptions, chosenSettings } from '../setting-options.ts';

/** With those of tables of settings. */
interface GivenOptions {
  readonly corpus?: string;
  readonly split: string;
  readonly titles: boolean;
  readonly lists?: string;
  readonly prompt: readonly string[];
  readonly generator?: string;
  readonly keyEnv?: string;
  readonly sample?: number;
  readonly store: string;
  readonly importLog?: string;
  readonly exportLog?: string;
  readonly out?: string;
  readonly preview?: boolean;
}

type GenerateOptions = GivenOptions & Chosen<typeof writingSettingTable> & { readonly seed: number };

export function registerGenerate(program: Command, io: CliIo): void {
  const command = program
    .command('generate')
    .description(
      'Has a language model write training lists: queries for the passages of a corpus, or hard negatives, graded ' +
        'passages and labels for queries. Every reply is stored at once, so an interrupted generation resumes.',
    )
    .requiredOption(
      '--prompt <name>',
      'a prompt that comes with the studio (see below) or a file of your own; may be repeated',
      (value: string, earlier: readonly string[] | undefined) => [...(earlier ?? []), value],
    )
    .option(
      '--corpus <dir>',
      'a folder or zip in BEIR layout, whose passages or judged queries are written about',
    )
    .option('--split <name>', 'the judged queries that prompts about queries take: qrels/NAME.tsv', 'train')
    .option('--no-titles', 'leave titles out of the passages')
    .option('--lists <lists>', 'training lists, as JSONL, in place of the queries of the corpus')
    .option(
      '--sample <n>',
      'write about as many, drawn at random with --seed (default: all)',
      integerOption('--sample', settingRanges.count),
    )
    .option('--store <dir>', 'where every reply is kept', './.retriever-studio')
    .option(
      '--import-log <log>',
      'take replies of an exported log over first: what it holds is not asked again',
    )
    .option('--export-log <log>', 'write the replies of these prompts by this model to a JSONL file')
    .option('--out <lists>', 'the JSONL file to write, one list on each line')
    .option('--preview', 'show what the model would be asked first, and ask nothing')
    .addHelpText('after', `\n${describePrompts()}`);
  addSettingOptions(addGeneratorOptions(command), writingSettingTable).action((given: GivenOptions) => {
    const chosen = chosenSettings(writingSettingTable, given);
    return generate({ ...given, ...chosen, seed: chosen.seed ?? writingSettingTable.seed.default }, io);
  });
}

async function generate(options: GenerateOptions, io: CliIo): Promise<void> {
  const prompts = await openPrompts(options);
  const { out, exportLog } = options;
  if (options.preview !== true) {
    if (out === undefined) throw new InputError('--out is not given', { remedy: 'Name the file to write' });
    await checkOutputFile(out);
    if (exportLog !== undefined) await checkOutputFile(exportLog);
  }
  const generator = options.preview === true ? undefined : await openChosenGenerator(options);
  const subject = await openSubject(prompts, options, io);
  if (generator === undefined || out === undefined) {
    preview(prompts, subject, options, io);
    return;
  }
  const store = await openStore(options.store, io);
  const interruption = new Interruption(io, 'ending; what was written is kept');
  try {
    const log = await GenerationLog.open(store);
    if (options.importLog !== undefined) await takeOver(log, options.importLog, io);
    try {
      const results = await write({ prompts, subject, generator, log, interruption }, options, io);
      await finish(results, { prompts, subject, generator, out }, options, io);
    } finally {
      // Also of a run that was ended: what is there is there.
      if (exportLog !== undefined) await exportReplies(log, prompts, generator, exportLog);
    }
  } catch (error) {
    if (error instanceof StoreFencedError) {
      throw new Error(
        `${options.store}: another process has taken over its log. This one has ended; nothing that was written is lost.`,
        { cause: error },
      );
    }
    if (!interruption.signal.aborted) throw error;
    io.printJson({ endedBy: 'request', store: options.store });
    io.print('interrupted; re-run the same command to resume');
    process.exitCode = interruption.exitCode;
  } finally {
    interruption.stopListening();
    await generator.unload();
    await store.close().catch(() => undefined);
  }
}

async function openPrompts({ prompt: names, ...chosen }: GenerateOptions): Promise<readonly Prompt[]> {
  const opened: Prompt[] = [];
  for (const name of names) {
    const prompt = isPromptFile(name) ? parsePrompt(await readText(name), name) : promptById(name);
    opened.push(withChosen(prompt, chosen));
  }
  const [first] = opened;
  const other = opened.find(
    (each) => first !== undefined && asksAboutPassages(each) !== asksAboutPassages(first),
  );
  if (first !== undefined && other !== undefined) {
    throw new InputError(`the prompts ${first.id} and ${other.id} are about different things`, {
      remedy: 'Give prompts about passages and prompts about queries in two commands',
    });
  }
  return opened;
}

async function openSubject(
  prompts: readonly Prompt[],
  options: GenerateOptions,
  io: CliIo,
): Promise<Subject> {
  const [first] = prompts;
  if (first !== undefined && asksAboutPassages(first)) {
    return { passages: sampleOf(await readPassages(first, options, io), options) };
  }
  const { lists, corpus } = options;
  if (lists === undefined && corpus === undefined) {
    throw new InputError(`${first?.id ?? ''} asks about queries, and none are given`, {
      remedy: 'Give --lists, or --corpus for the judged queries of a split',
    });
  }
  const all = lists === undefined ? await readGold(corpus ?? '', options, io) : await readAllLists(lists, io);
  return { lists: sampleOf(all, options) };
}

async function readPassages(
  { id }: Prompt,
  { corpus, titles, lists }: GenerateOptions,
  io: CliIo,
): Promise<readonly { readonly id: string; readonly text: string }[]> {
  if (corpus === undefined || lists !== undefined) {
    throw new InputError(`${id} asks about the passages of a corpus`, {
      remedy: 'Give --corpus, and no --lists',
    });
  }
  const tree = withoutTopFolder(await openTree(corpus));
  const report = new ReadReport();
  const passages: { id: string; text: string }[] = [];
  const file = await tree.open('corpus.jsonl');
  for await (const document of readDocuments(file, { titles, format: 'jsonl', report })) {
    const text = passageText(document, { titles });
    if (text.trim() !== '') passages.push({ id: document.id, text });
  }
  for (const warning of report.warnings()) io.warn(warning);
  if (passages.length > 0) return passages;
  throw new InputError('its corpus.jsonl holds no documents', {
    file: corpus,
    remedy: 'Give a whole corpus',
  });
}

/** The judged queries of a split with what is relevant to them. */
async function readGold(
  corpus: string,
  { split, titles }: GenerateOptions,
  io: CliIo,
): Promise<readonly ListRecord[]> {
  const dataset = await readBeir(await openTree(corpus), { split });
  const wanted = new Set([...dataset.judgments.values()].flatMap((grades) => [...grades.keys()]));
  const texts = new Map<string, string>();
  for await (const document of dataset.documents()) {
    if (wanted.has(document.id)) texts.set(document.id, passageText(document, { titles }));
  }
  for (const warning of dataset.report.warnings()) io.warn(warning);
  const { queries, judgments } = dataset;
  const lists = goldLists({ queries, judgments }, { textOf: (id) => texts.get(id) });
  return lists.filter(({ documents }) => documents.length > 0);
}

async function readAllLists(path: string, io: CliIo): Promise<readonly ListRecord[]> {
  const report = new ReadReport();
  const lists: ListRecord[] = [];
  for await (const list of readLists(await openFile(path), { report })) lists.push(list);
  for (const warning of report.warnings()) io.warn(warning);
  if (lists.length === 0)
    throw new InputError('holds no lists', { file: path, remedy: 'Make some with `mine`' });
  return lists;
}

function preview(prompts: readonly Prompt[], subject: Subject, { seed }: GenerateOptions, io: CliIo): void {
  const shown = prompts.map((prompt) => {
    const [task] = tasksFor(prompt, subject);
    return {
      prompt,
      task,
      filled: task && fillPrompt(prompt, task.slots, taskSeed(seed, prompt.id, task.id)),
    };
  });
  io.printJson({
    preview: shown.map(({ prompt, task, filled }) => ({
      prompt: promptName(prompt),
      task: task?.id ?? null,
      messages: filled?.messages ?? [],
      schema: filled?.schema ?? null,
    })),
  });
  for (const { prompt, task, filled } of shown) {
    io.print(`${promptName(prompt)}, about ${task?.id ?? 'nothing: there is nothing to ask about'}`);
    const parts = (filled?.messages ?? []).map(({ role, content }) => [
      `[${role}]`,
      ...content.split('\n'),
      '',
    ]);
    if (filled?.schema !== undefined) parts.push(['[schema]', JSON.stringify(filled.schema), '']);
    for (const line of parts.flat()) io.print(line);
  }
}

async function takeOver(log: GenerationLog, path: string, io: CliIo): Promise<void> {
  const { added, known } = await importLog(log, await openFile(path), {
    onWarning: (warning) => io.warn(warning),
  });
  io.note(`${path}: ${added} replies taken over, ${known} known already`);
}

interface Writing {
  readonly prompts: readonly Prompt[];
  readonly subject: Subject;
  readonly generator: Generator;
  readonly log: GenerationLog;
  readonly interruption: Interruption;
}

async function write(
  { prompts, subject, generator, log, interruption }: Writing,
  { seed }: GenerateOptions,
  io: CliIo,
): Promise<readonly GenerationResult[]> {
  const results: GenerationResult[] = [];
  for (const prompt of prompts) {
    const tasks = tasksFor(prompt, subject);
    const progress = io.progress(promptName(prompt), tasks.length, 'requests');
    try {
      results.push(
        await runGeneration({
          ...{ tasks, prompt, generator, log, settings: { seed } },
          signal: interruption.signal,
          onEvent: (event) => show(event, progress),
        }),
      );
    } finally {
      progress.stop();
    }
  }
  return results;
}

function show(event: GenerationEvent, progress: Progress): void {
  const { done, open, items, reused, rejected, tokensPerSecond, replies } = event.progress;
  // Replies of an earlier run come at once: they say nothing of the speed of this one.
  if (event.kind === 'started' || (event.kind === 'finished-task' && event.reused)) return;
  const details = [
    ...(event.kind === 'loading' ? [`model: ${event.loading.phase}`] : []),
    `${items} texts`,
    ...(tokensPerSecond === undefined || replies === 0 ? [] : [`${tokensPerSecond.toFixed(0)} tokens/s`]),
    ...(reused > 0 ? [`${reused} answered earlier`] : []),
    ...(rejected > 0 ? [`${rejected} replies did not fit`] : []),
    ...(event.kind === 'waiting' ? [`${event.reason}: again in ${formatDuration(event.seconds)}`] : []),
  ];
  progress.update(done + open, details.join(', '));
}

async function finish(
  results: readonly GenerationResult[],
  {
    prompts,
    subject,
    generator,
    out,
  }: Pick<Writing, 'prompts' | 'subject' | 'generator'> & { readonly out: string },
  options: GenerateOptions,
  io: CliIo,
): Promise<void> {
  const { model, recorded } = generator.description;
  const failed = results.flatMap(({ open }) => open.filter(({ why }) => why === 'failed'));
  const written = results.map(({ finished }, i) => ({ prompt: prompts[i] as Prompt, finished }));
  const lists = listsFrom(subject, written);
  const items = results.reduce((sum, { progress }) => sum + progress.items, 0);
  if (items === 0) {
    throw nothingWritten(results);
  }
  await writeOutputFile(out, writeLists(lists, 'studio'));
  const reports = results.map((result, i) => promptReport(prompts[i] as Prompt, result));
  if (failed.length > 0) {
    io.warn(
      `requests without an answer: ${failed.length} (${failed[0]?.reason ?? ''}). Re-run the same command to ask again`,
    );
  }
  io.printJson({
    lists: out,
    count: lists.length,
    model,
    recorded,
    failed: failed.length,
    prompts: reports,
    store: options.store,
  });
  io.print(`${lists.length} lists by ${model}${recorded ? ', recorded earlier,' : ''} in ${out}`);
  for (const report of reports) {
    io.print(
      `${report.prompt}: ${report.items} texts from ${report.requests - report.unanswered} of ${report.requests} ` +
        `requests; ${report.rejectedReplies} replies did not fit, ${report.droppedItems} texts were left out`,
    );
    for (const { task, texts } of report.samples) {
      for (const text of texts.filter((each) => each !== '')) io.print(`  ${task}: ${text.slice(0, 100)}`);
    }
  }
}

/** What helps depends on whether the server failed or the model. */
function nothingWritten(results: readonly GenerationResult[]): InputError {
  const open = results.flatMap((result) => result.open);
  const failed = open.find(({ why }) => why === 'failed');
  const reason = (failed ?? open[0])?.reason ?? 'there is nothing to ask about';
  return new InputError(`nothing was written (${reason})`, {
    remedy:
      failed === undefined
        ? 'Use --export-log to see the replies, then choose a larger model or another prompt'
        : 'Check the server and its log, then re-run the same command to ask again',
  });
}

async function exportReplies(
  log: GenerationLog,
  prompts: readonly Prompt[],
  { description }: Generator,
  path: string,
): Promise<void> {
  const names = new Set(prompts.map(promptName));
  const entries = [...log.entries()].filter(
    (entry) =>
      entry.model === description.model &&
      names.has(promptName({ id: entry.prompt, version: entry.prompt_version })),
  );
  await writeOutputFile(path, logLines(entries));
}

function describePrompts(): string {
  const width = Math.max(...builtIn.map(({ id }) => id.length));
  return ['Prompts:', ...builtIn.map(({ id, description }) => `  ${id.padEnd(width)}  ${description}`)].join(
    '\n',
  );
}
