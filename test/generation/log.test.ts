import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesSource, textSource } from '../../src/core/source.ts';
import { StoreFencedError } from '../../src/host/contract.ts';
import { InputError } from '../../src/core/errors.ts';
import {
  GenerationLog,
  importLog,
  logLines,
  openRecorded,
  readLog,
  runGeneration,
  type LogEntry,
} from '../../src/generation/index.ts';
import { Killed, SimulatedDisk } from '../support/simulated-disk.ts';
import { ScriptedGenerator } from '../support/scripted-generator.ts';
import { fittingReply, openStore, smallPrompt, tasksFor } from './support.ts';

function entry(number: number, changes: Partial<LogEntry> = {}): LogEntry {
  return {
    request: number.toString(16).padStart(64, '0'),
    task: `task ${number}`,
    prompt: 'small',
    prompt_version: 1,
    model: 'scripted',
    generator: 'http',
    recorded: false,
    seed: number,
    attempt: 0,
    sampling: { maxTokens: 100 },
    text: `reply ${number} — ü`,
    finish: 'stop',
    items: [{ text: `item ${number}` }],
    seconds: 0.5,
    at: '2026-01-01T00:00:00.000Z',
    ...changes,
  };
}

const entries = (from: number, to: number): LogEntry[] =>
  Array.from({ length: to - from }, (_, i) => entry(from + i));

describe('a log', () => {
  it('keeps every entry, in order, over reopenings', async () => {
    const disk = new SimulatedDisk();
    const sizes = [1, 31, 1, 100, 1500, 3];
    let count = 0;
    for (const size of sizes) {
      const log = await GenerationLog.open(await openStore(disk));
      expect([...log.entries()]).toEqual(entries(0, count));
      for (const one of entries(count, count + Math.min(size, 40))) await log.append(one);
      await log.appendAll(entries(count + Math.min(size, 40), count + size));
      count += size;
    }
    const log = await GenerationLog.open(await openStore(disk));
    expect(log.size).toBe(count);
    expect([...log.entries()]).toEqual(entries(0, count));
    expect(log.find(entry(77).request, 'scripted')).toEqual(entry(77));
    expect(log.find(entry(77).request, 'another model')).toBeUndefined();
  });

  it('has few records, however many entries', async () => {
    const store = await openStore();
    const log = await GenerationLog.open(store);
    await log.appendAll(entries(0, 5000));
    for (const one of entries(5000, 5050)) await log.append(one);
    expect((await store.keys('generations')).length).toBeLessThan(32 + 32 + 5050 / 1024);
  });

  it('writes what is appended at the same time in order, in few commits', async () => {
    const disk = new SimulatedDisk();
    const process = disk.start();
    const store = await openStore(disk, process);
    const log = await GenerationLog.open(store);
    const before = process.operations;
    await Promise.all([
      ...entries(0, 20).map((one) => log.append(one)),
      log.appendAll(entries(20, 25)),
      ...entries(25, 50).map((one) => log.append(one)),
    ]);
    expect(process.operations - before).toBeLessThan(100);
    expect([...log.entries()]).toEqual(entries(0, 50));
    expect([...(await GenerationLog.open(store)).entries()]).toEqual(entries(0, 50));
  });

  it('is written by one at a time', async () => {
    const store = await openStore();
    const first = await GenerationLog.open(store);
    await first.append(entry(0));
    await GenerationLog.open(store);
    await expect(first.append(entry(1))).rejects.toThrow(StoreFencedError);
  });

  it('loses and repeats nothing when writing fails and is tried again', async () => {
    // Each operation of the disk fails once, before or after it took effect, while pieces are merged.
    for (let at = 1; at <= 40; at++) {
      for (const when of ['before', 'after'] as const) {
        const disk = new SimulatedDisk();
        const process = disk.start();
        const log = await GenerationLog.open(await openStore(disk, process));
        await log.appendAll(entries(0, 30));
        process.faultAt(at, { kind: 'error', code: 'EIO', when });
        for (const one of entries(30, 34)) {
          await log.append(one).catch(() => log.append(one));
        }
        const again = await GenerationLog.open(await openStore(disk));
        expect([...again.entries()], `operation ${at}, ${when}`).toEqual(entries(0, 34));
      }
    }
  });
});

describe('a run whose process is killed', () => {
  it('keeps every finished reply at every point, and asks for none twice', async () => {
    const parts = { tasks: tasksFor(4), prompt: smallPrompt, settings: { seed: 3 } };
    let points = 0;
    for (let at = 1; ; at++) {
      const disk = new SimulatedDisk();
      const process = disk.start();
      const log = await GenerationLog.open(await openStore(disk, process));
      await log.appendAll(entries(0, 29));
      const before = process.operations;
      process.faultAt(at, { kind: 'kill', when: at % 2 === 0 ? 'before' : 'after' });
      const first = new ScriptedGenerator(({ request }) => fittingReply(request), { parallel: 2 });
      const finished: string[] = [];
      const run = runGeneration({
        ...parts,
        generator: first,
        log,
        onEvent: (event) => {
          if (event.kind === 'finished-task') finished.push(event.finished.entry.request);
        },
      });
      await run.catch((error: unknown) => {
        if (!(error instanceof Killed)) throw error;
      });
      if (process.operations < before + at) break;
      points++;

      const second = new ScriptedGenerator(({ request }) => fittingReply(request));
      const after = await GenerationLog.open(await openStore(disk));
      const result = await runGeneration({ ...parts, generator: second, log: after });
      expect(result.finished).toHaveLength(4);
      expect([...after.entries()].slice(0, 29)).toEqual(entries(0, 29));
      expect(after.size).toBe(33);
      const askedAgain = second.requests.map(({ id }) => id);
      expect(askedAgain.filter((id) => finished.includes(id))).toEqual([]);
      // At most what was under way when it died.
      expect(first.requests.length + second.requests.length).toBeLessThanOrEqual(4 + 2);
    }
    // A commit takes some ten operations; the third of the four also makes a blob.
    expect(points).toBeGreaterThan(40);
  });
});

describe('a log file', () => {
  const text = (log: Iterable<LogEntry>): string => [...logLines(log)].join('');
  const read = async (
    file: string | Uint8Array,
    onWarning?: (warning: string) => void,
  ): Promise<LogEntry[]> => {
    const source = typeof file === 'string' ? textSource('log.jsonl', file) : bytesSource('log.jsonl', file);
    const found: LogEntry[] = [];
    for await (const one of readLog(source, onWarning ? { onWarning } : {})) found.push(one);
    return found;
  };

  it('gives back what was exported', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ text: fc.string({ unit: 'grapheme' }), seed: fc.nat(), recorded: fc.boolean() }),
          {
            maxLength: 5,
          },
        ),
        async (changes) => {
          const log = changes.map((change, i) => entry(i, change));
          expect(await read(text(log))).toEqual(log);
        },
      ),
    );
    const rich = entry(1, {
      sampling: { maxTokens: 9, temperature: 0.8, topP: 0.9, topK: 3, stop: ['\n'] },
      dropped: ['too long: x'],
      prompt_tokens: 12,
      completion_tokens: 7,
      items: [{ text: 'a', label: 3, type: 'questions' }],
    });
    expect(await read(text([rich]))).toEqual([rich]);
  });

  it('may be cut anywhere in its last line', async () => {
    const bytes = new TextEncoder().encode(text(entries(0, 3)));
    const start = bytes.slice(0, -1).lastIndexOf(0x0a) + 1;
    for (let end = start; end <= bytes.length; end++) {
      const warnings: string[] = [];
      const found = await read(bytes.slice(0, end), (warning) => warnings.push(warning));
      const isWhole = end >= bytes.length - 1;
      expect(found).toEqual(entries(0, isWhole ? 3 : 2));
      expect(warnings).toEqual(
        isWhole || end === start ? [] : ['log.jsonl:3: the last line is incomplete and is ignored'],
      );
    }
  });

  it('finds the last line end in a file of many windows', async () => {
    const long = [entry(0), entry(1, { text: 'x'.repeat(200_000) })];
    expect(await read(text(long))).toEqual(long);
    expect(await read(text(long).slice(0, -10))).toEqual([entry(0)]);
  });

  it.each([
    ['{"a": 1}\n', 'log.jsonl:1: is not an entry of a generation log (request: '],
    [`${text([entry(0)])}{"reque\n${text([entry(1)])}`, 'log.jsonl:2: is not valid JSON ('],
    [
      text([{ ...entry(0), request: 'x' }]),
      'log.jsonl:1: is not an entry of a generation log (request: is not a request id)',
    ],
  ])('is refused where a whole line is no entry: %s', async (file, message) => {
    await expect(read(file)).rejects.toThrow(InputError);
    await expect(read(file)).rejects.toThrow(message);
  });

  it('adds what another log lacks', async () => {
    const log = await GenerationLog.open(await openStore());
    await log.appendAll(entries(0, 3));
    const source = textSource('log.jsonl', text([...entries(1, 2000), entry(5), entry(1999)]));
    expect(await importLog(log, source)).toEqual({ added: 1997, known: 4 });
    expect([...log.entries()]).toEqual(entries(0, 2000));
  });
});

describe('a recording', () => {
  const parts = { tasks: tasksFor(4), prompt: smallPrompt, settings: { seed: 3 } };
  const recording = async (): Promise<string> => {
    const log = await GenerationLog.open(await openStore());
    await runGeneration({
      ...parts,
      log,
      generator: new ScriptedGenerator(({ request, index }) =>
        index === 1 ? 'oops' : fittingReply(request),
      ),
    });
    return [...logLines(log.entries())].join('');
  };

  it('replays what was written, and says that it does', async () => {
    const generator = await openRecorded(textSource('old.jsonl', await recording()));
    expect(generator.description).toMatchObject({ kind: 'recorded', recorded: true, model: 'scripted' });
    const log = await GenerationLog.open(await openStore());
    const { finished, progress } = await runGeneration({ ...parts, log, generator });
    expect(finished.map(({ items }) => items[0]?.text)).toEqual(
      ['0', '1', '2', '3'].map((i) => `first of ${i}`),
    );
    expect(progress.rejected).toBe(1);
    expect([...log.entries()].every(({ recorded, generator: kind }) => recorded && kind === 'recorded')).toBe(
      true,
    );
  });

  it('says so when it lacks a reply', async () => {
    const generator = await openRecorded(textSource('old.jsonl', await recording()));
    const run = runGeneration({
      ...parts,
      settings: { seed: 4 },
      log: await GenerationLog.open(await openStore()),
      generator,
    });
    await expect(run).rejects.toThrow(
      'old.jsonl: contains no reply of scripted to this request. Use the texts',
    );
  });

  it('of several models needs to be told which', async () => {
    const file = textSource('old.jsonl', [...logLines([entry(0), entry(1, { model: 'b' })])].join(''));
    await expect(openRecorded(file)).rejects.toThrow(
      'contains the replies of 2 models. Choose the model to replay: scripted, b.',
    );
    expect((await openRecorded(file, { model: 'b' })).description.model).toBe('b');
    await expect(openRecorded(file, { model: 'c' })).rejects.toThrow(
      'contains no replies of c. Use one of scripted, b.',
    );
    await expect(openRecorded(textSource('old.jsonl', ''))).rejects.toThrow(
      'old.jsonl: contains no replies.',
    );
  });
});
