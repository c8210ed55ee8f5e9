import { fillPrompt, makeRequest } from '../../../src/generation/fill-prompt.ts';
import { logLines, openRecorded, readLog } from '../../../src/generation/log-file.ts';
import type { LogEntry } from '../../../src/generation/log.ts';
import type { Prompt } from '../../../src/generation/prompt.ts';
import { promptById, prompts } from '../../../src/generation/prompts/index.ts';
import { parsePrompt } from '../../../src/generation/read-prompt.ts';
import { ReplyReader } from '../../../src/generation/read-reply.ts';
import { TransientGeneratorError, type GenerationReply } from '../../../src/host/generator.ts';
import { openAiGenerator } from '../../../src/host/generators/openai.ts';
import { jsonLineMutation, jsonMutation, lineMutations, repeatMutation, tokenMutation } from '../mutate.ts';
import {
  collect,
  json,
  jsonLines,
  mustEqual,
  SilentDifference,
  source,
  textOf,
  textSource,
  utf8,
  type FuzzFormat,
} from '../format.ts';

const slots = {
  passage: 'Volcanoes are openings in the crust.',
  query: 'what is a volcano',
  positive: 'Lava.',
};

/** One prompt of each form of reply. */
const readers = ['line', 'object', 'members'].flatMap((form) => {
  const prompt = prompts.find(({ reply }) => reply.form === form);
  return prompt === undefined ? [] : [{ prompt, reader: new ReplyReader(prompt) }];
});

function entryOf(reply: GenerationReply): LogEntry {
  return {
    request: '0'.repeat(64),
    task: 't',
    prompt: 'p',
    prompt_version: 1,
    model: 'm',
    generator: 'http',
    recorded: false,
    seed: 1,
    attempt: 0,
    sampling: { maxTokens: 10 },
    text: reply.text,
    finish: reply.finish,
    ...(reply.promptTokens !== undefined && { prompt_tokens: reply.promptTokens }),
    ...(reply.completionTokens !== undefined && { completion_tokens: reply.completionTokens }),
    seconds: 1,
    at: '2025-01-01T00:00:00.000Z',
  };
}

/** What is read of a reply is logged, and the log has to be readable. */
async function mustBeLogged(reply: GenerationReply): Promise<void> {
  const lines = [...logLines([entryOf(reply)])].join('');
  try {
    const [again] = await collect(readLog(textSource('log.jsonl', lines)));
    if (again !== undefined) return;
  } catch (cause) {
    throw new SilentDifference('a reply that was logged and cannot be read back', { cause });
  }
  throw new SilentDifference('a reply that was logged and is not there');
}

async function readReplies({ text, finish }: Pick<GenerationReply, 'text' | 'finish'>): Promise<void> {
  for (const { prompt, reader } of readers) {
    const read = reader.read({ text, finish }, slots, prompt.schema);
    if ('items' in read) JSON.stringify(read.items);
  }
  await Promise.resolve();
}

const asked = promptById('c-questions');
const request = await makeRequest(asked, fillPrompt(asked, { passage: slots.passage }, 1), 1);

const isTransient = (error: unknown): boolean => error instanceof TransientGeneratorError;

const replyTexts = [
  'What is a volcano?',
  '{"items": [{"text": "an opening", "label": 2}]}',
  'Here it is:\n```json\n{"queries": [{"text": "what is lava"}, {"text": "how hot is it"}]}\n```\nDone.',
  '<think>hm {</think>{"perfectly_relevant": "a", "highly_relevant": "b", "related": "c", "not_relevant": "d"}',
];

export const generationFormats: readonly FuzzFormat[] = [
  {
    name: 'prompt',
    what: 'a prompt (generate --prompt FILE)',
    readers: [
      'src/generation/read-prompt.ts',
      'src/pipeline/recipe-prompts.ts',
      'src/cli/commands/generate.ts',
    ],
    examples: examplesOfPrompts(),
    mutations: [tokenMutation, repeatMutation, jsonMutation],
    read: (input) => {
      const prompt = parsePrompt(textOf(input.bytes), 'prompt.json');
      const texts = Object.fromEntries(prompt.slots.map(({ name }) => [name, slots.passage]));
      fillPrompt(prompt, texts, 1);
      new ReplyReader(prompt).read({ text: '{"text": "x"}', finish: 'stop' }, texts, prompt.schema);
    },
  },
  {
    name: 'server-reply',
    what: 'what an OpenAI-compatible server answers',
    readers: [
      'src/host/generators/openai.ts',
      'src/host/generators/http-answer.ts',
      'src/host/generators/server-answer.ts',
    ],
    examples: replyTexts.map((content) =>
      json({
        id: 'x',
        object: 'chat.completion',
        choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 12, completion_tokens: 7, total_tokens: 19 },
      }),
    ),
    mutations: [tokenMutation, repeatMutation, jsonMutation],
    isRefusal: isTransient,
    read: async (input) => {
      const generator = openAiGenerator({
        address: 'http://127.0.0.1:8000/v1',
        model: 'm',
        fetch: () => Promise.resolve(new Response(input.bytes)),
      });
      const reply = await generator.generate(request);
      await mustBeLogged(reply);
      await readReplies(reply);
    },
  },
  {
    name: 'server-models',
    what: "an OpenAI-compatible server's list of models, and its errors",
    readers: [
      'src/host/generators/openai.ts',
      'src/host/generators/http-answer.ts',
      'src/host/generators/server-answer.ts',
    ],
    examples: [json({ object: 'list', data: [{ id: 'm', object: 'model' }, { id: 'other' }] })],
    mutations: [tokenMutation, repeatMutation, jsonMutation],
    read: (input) =>
      openAiGenerator({
        address: 'http://127.0.0.1:8000/v1',
        model: 'm',
        // A quarter of them as errors.
        fetch: () =>
          Promise.resolve(new Response(input.bytes, { status: input.bytes.length % 4 ? 200 : 400 })),
      }).load(),
  },
  {
    name: 'reply-text',
    what: 'what a language model writes',
    readers: ['src/generation/reply-json.ts', 'src/generation/read-reply.ts'],
    examples: replyTexts.map(utf8),
    mutations: [tokenMutation, repeatMutation, ...lineMutations, jsonMutation],
    read: async (input) => {
      const text = textOf(input.bytes);
      await readReplies({ text, finish: 'stop' });
      await readReplies({ text, finish: 'length' });
    },
  },
  {
    name: 'generation-log',
    what: 'a log of replies, exported or recorded',
    readers: ['src/generation/log-file.ts', 'src/host/generators/recorded.ts'],
    examples: [
      jsonLines([
        entryOf({ text: 'x', finish: 'stop', seconds: 1, promptTokens: 3, completionTokens: 4 }),
        { ...entryOf({ text: '{', finish: 'length', seconds: 1 }), request: '1'.repeat(64), error: 'cut' },
        {
          ...entryOf({ text: 'y', finish: 'stop', seconds: 1 }),
          request: '2'.repeat(64),
          items: [{ text: 'y' }],
        },
      ]),
    ],
    mutations: [...lineMutations, tokenMutation, repeatMutation, jsonLineMutation],
    read: async (input) => {
      const entries = await collect(readLog(source('log.jsonl', input)));
      const again = await collect(readLog(textSource('again.jsonl', [...logLines(entries)].join(''))));
      mustEqual(again, entries, 'a log that was read, written and read again');
      const models = new Set(entries.map(({ model }) => model));
      if (models.size > 0) await openRecorded(source('log.jsonl', input), { model: [...models][0] ?? '' });
    },
  },
];

function examplesOfPrompts(): FuzzFormat['examples'] {
  const plain: Prompt[] = readers.map(({ prompt }) => prompt);
  return [
    ...plain.map(json),
    json({
      id: 'mine',
      version: 1,
      writes: 'queries',
      slots: [{ name: 'passage' }],
      user: 'Passage: {{passage}}',
      reply: { form: 'line' },
      sampling: { temperature: 0.8, maxTokens: 50, stop: ['\n'] },
    }),
  ];
}
