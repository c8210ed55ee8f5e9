/** Logs as files: one JSON line for each reply. */
import * as v from 'valibot';
import { readLines, type Line } from '../corpus/lines.ts';
import { readRange, type ByteSource } from '../core/source.ts';
import { InputError, messageOf } from '../core/errors.ts';
import { isTokenCount } from '../host/generator.ts';
import { RecordedGenerator, type RecordedReply } from '../host/generators/recorded.ts';
import { samplingSchema } from './sampling-setting-table.ts';
import { replyOf, type GenerationLog, type LogEntry } from './log.ts';

const text = v.pipe(v.string(), v.nonEmpty('is empty'));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const finite = v.pipe(v.number(), v.finite());

const entryFields = v.object({
  request: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'is not a request id')),
  task: text,
  prompt: text,
  prompt_version: count,
  model: text,
  generator: text,
  recorded: v.boolean(),
  seed: count,
  attempt: count,
  sampling: v.object(samplingSchema.entries),
  text: v.string(),
  finish: v.picklist(['stop', 'length']),
  items: v.exactOptional(
    v.array(
      v.object({
        text: v.string(),
        label: v.exactOptional(finite),
        type: v.exactOptional(v.string()),
      }),
    ),
  ),
  error: v.exactOptional(v.string()),
  dropped: v.exactOptional(v.array(v.string())),
  prompt_tokens: v.exactOptional(v.number()),
  completion_tokens: v.exactOptional(v.number()),
  seconds: v.pipe(finite, v.minValue(0)),
  at: text,
});

/** Logs of earlier versions have token counts as servers reported them: what can be none is left out. */
const entrySchema = v.pipe(
  entryFields,
  v.transform(({ prompt_tokens, completion_tokens, ...entry }) => ({
    ...entry,
    ...(isTokenCount(prompt_tokens) && { prompt_tokens }),
    ...(isTokenCount(completion_tokens) && { completion_tokens }),
  })),
);

/** The lines of a log, each with its line end. */
export function* logLines(entries: Iterable<LogEntry>): Generator<string> {
  for (const entry of entries) yield `${JSON.stringify(entry)}\n`;
}

export interface ReadLogOptions {
  /** Told that the last line is not whole, as after a crash; it is left out. */
  readonly onWarning?: (warning: string) => void;
}

/**
 * The entries of a log file, one at a time.
 * @throws InputError naming file and line of what is no entry
 */
export async function* readLog(source: ByteSource, options: ReadLogOptions = {}): AsyncGenerator<LogEntry> {
  const end = await endOfLastLine(source);
  const whole: ByteSource = { ...source, name: source.name, size: end, stream: () => source.stream(0, end) };
  let number = 0;
  for await (const line of readLines(whole)) {
    number = line.number;
    if (line.text.trim() !== '') yield readEntry(line, source.name);
  }
  // Whole lines end in a line feed; after the last there is nothing, or a line that a crash has cut, or one to which
  // an editor gave no end.
  const rest = new TextDecoder().decode(await readRange(source, end, source.size));
  if (rest.trim() === '') return;
  let last: LogEntry;
  try {
    last = readEntry({ text: rest, number: number + 1 }, source.name);
  } catch {
    options.onWarning?.(`${source.name}:${number + 1}: the last line is incomplete and is ignored`);
    return;
  }
  yield last;
}

function readEntry({ text: line, number }: Line, file: string): LogEntry {
  const problem = (what: string, cause?: unknown): InputError =>
    new InputError(what, {
      file,
      line: number,
      remedy: 'Use a log as it was exported, with one reply per line',
      cause,
    });
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw problem(`is not valid JSON (${messageOf(error)})`, error);
  }
  const result = v.safeParse(entrySchema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw problem(
    `is not an entry of a generation log (${v.getDotPath(issue) ?? 'the line'}: ${issue.message})`,
  );
}

const WINDOW_BYTES = 65_536;
const LINE_FEED = 0x0a;

/** The bytes up to and with the last line feed. */
async function endOfLastLine(source: ByteSource): Promise<number> {
  for (let end = source.size; end > 0; end -= WINDOW_BYTES) {
    const start = Math.max(0, end - WINDOW_BYTES);
    const found = (await readRange(source, start, end)).lastIndexOf(LINE_FEED);
    if (found !== -1) return start + found + 1;
  }
  return 0;
}

/** Entries that are appended in one commit. */
const BATCH = 1024;

/** Adds what a log does not have yet. Either all of the file is read, or nothing after the first wrong line. */
export async function importLog(
  log: GenerationLog,
  source: ByteSource,
  options: ReadLogOptions = {},
): Promise<{ readonly added: number; readonly known: number }> {
  let added = 0;
  let known = 0;
  let batch: LogEntry[] = [];
  const inBatch = new Set<string>();
  const flush = async (): Promise<void> => {
    await log.appendAll(batch);
    added += batch.length;
    batch = [];
    inBatch.clear();
  };
  for await (const entry of readLog(source, options)) {
    const name = `${entry.request} ${entry.model}`;
    if (log.find(entry.request, entry.model) !== undefined || inBatch.has(name)) {
      known++;
      continue;
    }
    batch.push(entry);
    inBatch.add(name);
    if (batch.length === BATCH) await flush();
  }
  await flush();
  return { added, known };
}

/** The replies in log entries, to be replayed. */
export function* recordedReplies(entries: Iterable<LogEntry>): Generator<RecordedReply> {
  for (const entry of entries) {
    yield {
      request: entry.request,
      model: entry.model,
      reply: replyOf(entry),
    };
  }
}

/**
 * A generator that replays the log in a file.
 * @param options.model whose replies, where the log has those of several models
 * @throws InputError
 */
export async function openRecorded(
  source: ByteSource,
  options: ReadLogOptions & { readonly model?: string } = {},
): Promise<RecordedGenerator> {
  const entries: LogEntry[] = [];
  for await (const entry of readLog(source, options)) entries.push(entry);
  return new RecordedGenerator(source.name, recordedReplies(entries), options.model);
}
