import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ListRecord } from '../../src/corpus/types.ts';
import type { LogEntry } from '../../src/generation/log.ts';
import { RandomStream } from '../../src/host/random.ts';
import { expectBadInput, onlyJson, runCli } from '../support/cli.ts';
import { writeCollection } from '../support/collection.ts';
import { startModelServer, type Behavior, type ChatCall, type ModelServer } from '../support/model-server.ts';
import { killAtRandomMoment, startCli, type StartedProcess } from '../support/processes.ts';

const passages = 30;

function corpus(): string {
  return writeCollection({
    documents: Object.fromEntries(
      Array.from({ length: passages }, (_, i) => [
        `p${i}`,
        ['', `The subject of passage ${i} is its number.`],
      ]),
    ),
    queries: { q1: 'what is passage 1 about', q2: 'what is passage 2 about' },
    judgments: {
      train: [
        ['q1', 'p1', 1],
        ['q2', 'p2', 1],
      ],
    },
  });
}

const asked = ({ body }: ChatCall): string => body.messages.at(-1)!.content;
const about = (call: ChatCall): string =>
  /passage (\d+) is its number/.exec(asked(call).split('Target Passage').at(-1)!)![1]!;
const query = (call: ChatCall): Behavior => ({ text: `what is the number of passage ${about(call)}` });

function lines<T>(path: string): T[] {
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

describe('generate', () => {
  it('writes lists, asks nothing twice, and gives its log to others', async () => {
    const folder = corpus();
    const server = await startModelServer(query);
    const command = [
      ...['generate', '--corpus', folder, '--prompt', 'c-questions', '--model', 'test-model'],
      ...['--sample', '12', '--seed', '5', '--generator', server.address],
    ];
    const at = (name: string): string => join(folder, name);
    const rest = ['--store', at('store'), '--out', at('lists.jsonl'), '--export-log', at('log.jsonl')];
    const first = await runCli([...command, ...rest]);
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout).toMatch(/^12 lists by test-model in /);
    expect(first.stdout).toContain('c-questions@1: 12 texts from 12 of 12 requests; 0 replies did not fit');
    expect(server.calls).toHaveLength(12);
    expect(server.mostAtOnce()).toBeLessThanOrEqual(4);
    const lists = lines<ListRecord>(at('lists.jsonl'));
    expect(lists).toHaveLength(12);
    for (const { query: text, query_type, documents } of lists) {
      const [positive] = documents;
      expect(positive).toMatchObject({ label: 1, source: 'llm:test-model', prompt: 'c-questions@1' });
      expect(text).toBe(`what is the number of passage ${positive!.id.slice(1)}`);
      expect(query_type).toBe('questions');
    }

    // Again: nothing is asked. More: what is missing is.
    const again = onlyJson(await runCli([...command, ...rest, '--json']));
    expect(again).toMatchObject({ count: 12, recorded: false });
    expect(server.calls).toHaveLength(12);
    const more = await runCli([...command, ...rest, '--sample', '30', '--parallel', '16']);
    expect(more.stderr).not.toContain('Warning');
    expect(more.stdout).toMatch(/^30 lists/);
    const tasks = server.calls.map(about);
    expect(new Set(tasks).size).toBe(tasks.length);

    // The log of one store serves another, and a recorded generator.
    const log = lines<LogEntry>(at('log.jsonl'));
    expect(log).toHaveLength(tasks.length);
    const before = server.calls.length;
    const other = [...['--store', at('other'), '--out', at('other.jsonl'), '--import-log', at('log.jsonl')]];
    const imported = await runCli([...command, ...other, '--sample', '30']);
    expect(imported.stderr).toContain(`${log.length} replies taken over`);
    expect(readFileSync(at('other.jsonl'), 'utf8')).toBe(readFileSync(at('lists.jsonl'), 'utf8'));
    const replay = [
      '--generator',
      `recorded:${at('log.jsonl')}`,
      '--store',
      at('third'),
      '--out',
      at('third.jsonl'),
    ];
    const replayed = await runCli([...command, '--sample', '30', ...replay]);
    expect(replayed.stdout).toMatch(/^30 lists by test-model, recorded earlier, in /);
    expect(readFileSync(at('third.jsonl'), 'utf8')).toBe(readFileSync(at('lists.jsonl'), 'utf8'));
    expect(server.calls.length).toBe(before);
  });

  it('writes negatives into lists, and for the judged queries of a corpus', async () => {
    const folder = corpus();
    const negatives = ['a first text', 'another thing', 'the third one', 'fourth of all', 'fifth and last'];
    const server = await startModelServer(() => ({
      text: JSON.stringify({ negatives: negatives.map((text) => ({ type: 'entity', text })) }),
    }));
    const command = [
      ...['generate', '--prompt', 'a-hard-negatives', '--model', 'test-model', '--generator', server.address],
      ...['--store', join(folder, 'store'), '--out', join(folder, 'lists.jsonl')],
    ];
    const result = await runCli([...command, '--corpus', folder]);
    expect(result.code, result.stderr).toBe(0);
    const gold = lines<ListRecord>(join(folder, 'lists.jsonl'));
    expect(gold.map(({ query_id, documents }) => [query_id, documents.map(({ label }) => label)])).toEqual([
      ['q1', [1, 0, 0, 0, 0, 0]],
      ['q2', [1, 0, 0, 0, 0, 0]],
    ]);
    expect(server.calls[0]!.body.response_format).toBeDefined();
    // Into lists that have negatives already.
    const own = {
      ...gold[0]!,
      documents: [...gold[0]!.documents.slice(0, 1), { id: 'x', text: 'mined', label: 0, source: 'bm25' }],
    };
    writeFileSync(join(folder, 'own.jsonl'), `${JSON.stringify(own)}\n`);
    await runCli([...command, '--lists', join(folder, 'own.jsonl'), '--out', join(folder, 'both.jsonl')]);
    const [both] = lines<ListRecord>(join(folder, 'both.jsonl'));
    expect(both!.documents.map(({ source }) => source)).toEqual([
      'gold',
      'bm25',
      ...negatives.map(() => 'llm:test-model'),
    ]);
    // The same query and positive: it had been answered.
    expect(server.calls).toHaveLength(2);
  });

  it('previews what would be asked, and asks nothing', async () => {
    const folder = corpus();
    const command = ['generate', '--corpus', folder, '--prompt', 'c-keywords', '--preview'];
    const shown = await runCli(command);
    expect(shown.stdout).toMatch(/^c-keywords@1, about p0\n\[system\]\n/);
    expect(shown.stdout).toContain('The subject of passage 0 is its number.');
    const { preview } = onlyJson(await runCli([...command, '--json'])) as {
      preview: { messages: { content: string }[] }[];
    };
    expect(shown.stdout).toContain(preview[0]!.messages[1]!.content);
    expect(existsSync(join(folder, '.retriever-studio'))).toBe(false);
  });

  it('refuses what it cannot do, in one line', async () => {
    const folder = corpus();
    const server = await startModelServer(query);
    const out = join(folder, 'lists.jsonl');
    const refused = async (...args: string[]) =>
      runCli(['generate', '--out', out, '--store', join(folder, 's'), ...args]);
    const questions = ['--corpus', folder, '--prompt', 'c-questions'];
    const there = ['--generator', server.address, '--model', 'test-model'];
    expectBadInput(
      await refused('--corpus', folder, '--prompt', 'c-qestions'),
      /there is no prompt "c-qestions".*c-questions/,
    );
    expectBadInput(await refused(...questions), /--generator is missing\. Use the base address/);
    expectBadInput(await refused(...questions, '--generator', server.address), /--model is missing/);
    expectBadInput(
      await refused(...questions, '--generator', server.address, '--model', 'test-modle'),
      /it has no model "test-modle"\. Did you mean "test-model"\?/,
    );
    expectBadInput(
      await refused(...questions, ...there, '--key-env', 'NO_SUCH_KEY'),
      /variable NO_SUCH_KEY is not set/,
    );
    expectBadInput(
      await refused('--prompt', 'a-hard-negatives', ...there),
      /asks about queries, and none are given/,
    );
    expectBadInput(
      await refused(...questions, '--prompt', 'a-hard-negatives', ...there),
      /c-questions and a-hard-negatives are about different things/,
    );
    expectBadInput(
      await refused(...questions, '--generator', 'nowhere', '--model', 'm'),
      /"nowhere" is no http/,
    );
    expect(existsSync(out)).toBe(false);
    expect(server.calls).toEqual([]);
  });

  it('samples as it is told, and as the prompt says where it is told nothing', async () => {
    const folder = corpus();
    const server = await startModelServer(query);
    const result = await runCli([
      ...[
        'generate',
        '--corpus',
        folder,
        '--prompt',
        'c-questions',
        '--sample',
        '1',
        '--model',
        'test-model',
      ],
      ...[
        '--generator',
        server.address,
        '--store',
        join(folder, 'store'),
        '--out',
        join(folder, 'lists.jsonl'),
      ],
      ...['--top-p', '0.5', '--max-tokens', '17'],
    ]);
    expect(result.code, result.stderr).toBe(0);
    expect(server.calls[0]!.body).toMatchObject({ temperature: 0.8, top_p: 0.5, max_tokens: 17 });
  });

  it('lists the generators that run here with their settings, and refuses what they do not have', async () => {
    const { stdout } = await runCli(['generate', '--help']);
    expect(stdout).toMatch(/Generators:\n( {2}.*\n)* {2}ADDRESS: .*Texts are sent to the server/);
    expect(stdout).toMatch(/ {2}recorded:FILE: .*No model runs/);
    expect(stdout).toMatch(/--deadline <seconds> .*\(default:\s+180\)/s);
    const refused = (...args: string[]) =>
      runCli(['generate', '--corpus', 'c', '--prompt', 'c-questions', '--out', 'o.jsonl', ...args]);
    expectBadInput(
      await refused('--generator', 'recorded:log.jsonl', '--parallel', '2'),
      /--parallel is not a setting of recorded generators\. Remove it/,
    );
    expectBadInput(
      await refused('--generator', 'webllm:some-model'),
      /--generator is "webllm:some-model", which runs only in the browser\. Use the base address/,
    );
    expectBadInput(await refused('--generator', 'recorded:'), /--generator is ""\. Use the log/);
    expectBadInput(
      await refused('--parallel', '0'),
      /--parallel is "0"\. Use a whole number from 1 to 1024/,
    );
    expectBadInput(await refused('--temperature', '3'), /--temperature is "3"\. Use a number from 0 to 2/);
  });

  it('tells the key to the server alone', async () => {
    const folder = corpus();
    const key = 'sk-secret-of-the-test';
    const server = await startModelServer(query);
    const result = await runCli(
      [
        ...[
          'generate',
          '--corpus',
          folder,
          '--prompt',
          'c-questions',
          '--sample',
          '3',
          '--key-env',
          'MODEL_KEY',
        ],
        ...['--generator', server.address, '--model', 'test-model', '--store', join(folder, 'store')],
        ...['--out', join(folder, 'lists.jsonl'), '--export-log', join(folder, 'log.jsonl')],
      ],
      { env: { MODEL_KEY: key } },
    );
    expect(result.code, result.stderr).toBe(0);
    expect(server.calls.map(({ headers }) => headers.authorization)).toEqual(Array(3).fill(`Bearer ${key}`));
    const files = ['lists.jsonl', 'log.jsonl'].map((name) => readFileSync(join(folder, name), 'utf8'));
    for (const text of [result.stdout, result.stderr, ...files]) expect(text).not.toContain(key);
  });

  it('keeps and shows a key nowhere that a server repeats', async () => {
    const folder = corpus();
    const key = 'sk-secret-of-the-test';
    const escaped = key.replaceAll('-', '\\u002d');
    const server = await startModelServer((call) => {
      if (server.calls.length === 1) {
        const message = `${'x'.repeat(285)} ${key} is overloaded`;
        return { status: 500, body: JSON.stringify({ error: { message } }) };
      }
      const text = `${key}, "${escaped}" and ?key=${key.replaceAll('-', '%2D')} about ${about(call)}`;
      return server.calls.length < 5 ? { text } : { status: 403, body: JSON.stringify({ detail: [text] }) };
    });
    const generate = (...more: readonly string[]) =>
      runCli(
        [
          ...['generate', '--corpus', folder, '--prompt', 'c-user', '--key-env', 'MODEL_KEY'],
          ...['--generator', server.address, '--model', 'test-model', '--store', join(folder, 'store')],
          ...['--parallel', '1', '--export-log', join(folder, 'log.jsonl')],
          ...['--out', join(folder, 'lists.jsonl'), ...more],
        ],
        { env: { MODEL_KEY: key } },
      );
    const written = await generate('--sample', '3');
    expect(written.code, written.stderr).toBe(0);
    const texts = lines<ListRecord>(join(folder, 'lists.jsonl')).map(({ query }) => query);
    expect(texts.every((text) => text.startsWith('(key), "(key)" and ?key=(key) about '))).toBe(true);
    const refused = await generate();
    expectBadInput(refused, /it answers 403: .*\(key\).*: it does not take the key/);
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile())
      .map((file) => readFileSync(join(file.parentPath, file.name), 'latin1'));
    expect(files.length).toBeGreaterThan(5);
    for (const text of [written.stdout, written.stderr, refused.stdout, refused.stderr, ...files]) {
      for (const part of [key, key.slice(0, 9), escaped, '%2Dsecret']) expect(text).not.toContain(part);
    }
  });

  it('says what to do where nothing was written: about the server where it failed, about the model where not', async () => {
    const folder = corpus();
    const bad = '{"error": {"message": "Bad gateway"}}';
    const failing = await startModelServer(() => ({
      ...{ status: 502, body: bad, headers: { 'retry-after': '7200' } },
    }));
    const generate = (server: ModelServer) =>
      runCli([
        ...['generate', '--corpus', folder, '--prompt', 'c-questions', '--model', 'test-model'],
        ...['--generator', server.address, '--store', join(folder, 'store'), '--sample', '3'],
        ...['--out', join(folder, 'lists.jsonl')],
      ]);
    const failed = await generate(failing);
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toMatch(
      /^error: the language model did not answer \d of 3 requests: it answers 502: Bad gateway; the server asks to wait until 20.* UTC\. .* run the same again/m,
    );
    expect(existsSync(join(folder, 'lists.jsonl'))).toBe(false);
    expect(failing.calls.length).toBeLessThanOrEqual(4);

    const rambling = await startModelServer(() => ({ text: '' }));
    expectBadInput(
      await generate(rambling),
      /nothing that the language model wrote for written makes a list \(the reply is empty\)\. .* larger model/,
    );
  });

  it('goes on where it was killed: every reply is kept, and none is asked for twice', async () => {
    const folder = corpus();
    const answered: string[] = [];
    const server = await startModelServer((call) => {
      // A moment, so that kills hit requests that are under way.
      const reply = query(call);
      answered.push(about(call));
      return { ...(reply as { text: string }), afterMs: 15 };
    });
    const command = [
      ...[
        'generate',
        '--corpus',
        folder,
        '--prompt',
        'c-questions',
        '--model',
        'test-model',
        '--parallel',
        '2',
      ],
      ...[
        '--generator',
        server.address,
        '--store',
        join(folder, 'store'),
        '--out',
        join(folder, 'lists.jsonl'),
      ],
      ...['--export-log', join(folder, 'log.jsonl')],
    ];
    const random = new RandomStream(3, 'kills');
    let kills = 0;
    for (let round = 0; round < 4; round++) {
      const before = server.calls.length;
      const job = startCli(command);
      await untilCalls(server, before + 3, job);
      if (await killAtRandomMoment(job, 60, random)) kills++;
    }
    expect(kills).toBeGreaterThan(2);
    const last = await runCli(command);
    expect(last.code, last.stderr).toBe(0);
    expect(lines<ListRecord>(join(folder, 'lists.jsonl'))).toHaveLength(passages);
    const log = lines<LogEntry>(join(folder, 'log.jsonl'));
    // One reply of each passage is kept; only the two that were under way at each kill may have been asked again.
    expect(new Set(log.map(({ task }) => task)).size).toBe(passages);
    expect(log).toHaveLength(passages);
    expect(answered.length - passages).toBeLessThanOrEqual(2 * kills);
  });

  it('ends when it is interrupted, and the same command goes on', async () => {
    const folder = corpus();
    const server = await startModelServer((call) => ({ ...(query(call) as { text: string }), afterMs: 20 }));
    const command = [
      ...[
        'generate',
        '--corpus',
        folder,
        '--prompt',
        'c-questions',
        '--model',
        'test-model',
        '--parallel',
        '1',
      ],
      ...[
        '--generator',
        server.address,
        '--store',
        join(folder, 'store'),
        '--out',
        join(folder, 'lists.jsonl'),
      ],
    ];
    const job = startCli(command);
    await untilCalls(server, 4, job);
    job.signal('SIGINT');
    expect(await job.ended).toEqual({ code: 130, signal: null });
    expect(job.stderr()).toContain('stopping; all replies so far are stored');
    expect(job.stdout()).toContain('interrupted; re-run the same command to resume');
    expect(existsSync(join(folder, 'lists.jsonl'))).toBe(false);
    const again = await runCli(command);
    expect(again.code, again.stderr).toBe(0);
    expect(server.calls.length).toBeLessThanOrEqual(passages + 1);
  });
});

/** Resolves when the server has been asked so often, or the job has ended. */
async function untilCalls({ calls }: ModelServer, count: number, { ended }: StartedProcess): Promise<void> {
  let hasEnded = false as boolean;
  void ended.then(() => (hasEnded = true));
  while (calls.length < count && !hasEnded) await new Promise((resolve) => setTimeout(resolve, 5));
}
