import { describe, expect, it } from 'vitest';
import { fillPrompt } from '../../src/generation/fill-prompt.ts';
import type { Prompt } from '../../src/generation/prompt.ts';
import { promptById } from '../../src/generation/prompts/index.ts';
import { ReplyReader, type ReadReply } from '../../src/generation/read-reply.ts';
import { ReplySchema } from '../../src/generation/reply-schema.ts';
import { smallPrompt } from './support.ts';

function read(
  prompt: Prompt,
  slots: Record<string, string>,
  text: string,
  finish: 'stop' | 'length' = 'stop',
): ReadReply {
  return new ReplyReader(prompt).read({ text, finish }, slots, fillPrompt(prompt, slots, 1).schema);
}

const passage = { passage: 'Snow falls in winter.' };
const queries = (...texts: string[]) => JSON.stringify({ queries: texts.map((text) => ({ text })) });

describe('a reply in JSON', () => {
  it('becomes items', () => {
    expect(read(smallPrompt, passage, queries(' When does\nit snow? ', 'winter weather'))).toEqual({
      items: [{ text: 'When does it snow?' }, { text: 'winter weather' }],
      dropped: [],
    });
  });

  it.each([
    [queries('one'), 'queries: Array has too few items (1 < 2)'],
    [queries('one', ''), 'queries[1].text: String is too short (0 < 1)'],
    ['{"queries": [{"text": "a"}, {"text": "b", "note": "c"}]}', 'queries[1].note: is not in the schema'],
    [
      '{"queries": [{"text": "a"}, {"text": 4}]}',
      'queries[1].text: Instance type "number" is invalid. Expected "string"',
    ],
    ['{"texts": []}', 'texts: is not in the schema'],
    ['{}', 'the reply: Instance does not have required property "queries"'],
    ['[]', 'queries: Array has too few items (0 < 2)'],
    ['4', 'the reply contains no complete JSON object'],
    ['Sorry.', 'the reply contains no complete JSON object'],
    ['<think>well', 'the reply is empty'],
    ['', 'the reply is empty'],
  ])('%s is rejected in one line', (reply, error) => {
    expect(read(smallPrompt, passage, reply)).toEqual({ error, dropped: [] });
  });

  it('may be the bare list', () => {
    expect(read(smallPrompt, passage, '[{"text": "a"}, {"text": "b"}]')).toMatchObject({
      items: [{ text: 'a' }, { text: 'b' }],
    });
  });

  it('says that it was cut', () => {
    expect(read(smallPrompt, passage, '{"queries": [{"te', 'length')).toMatchObject({
      error: 'the reply contains no complete JSON object (it was truncated at the maximum length)',
    });
  });

  it('loses items that are the same or a copy of what was given, and is rejected where too few are left', () => {
    const lenient = { ...smallPrompt, checks: { leastItems: 1 } };
    expect(read(lenient, passage, queries('Winter', 'winter '))).toEqual({
      items: [{ text: 'Winter' }],
      dropped: ['a duplicate of an earlier one: winter'],
    });
    expect(read(lenient, passage, queries('snow falls in winter.', 'when'))).toMatchObject({
      items: [{ text: 'when' }],
      dropped: ['a copy of the passage: snow falls in winter.'],
    });
    expect(read(smallPrompt, passage, queries('Winter', 'winter'))).toMatchObject({
      error: '1 of 2 items are valid: a duplicate of an earlier one: winter',
    });
  });

  it.each([
    [{ mostWords: 3 }, 'one two three four', '4 words, more than 3'],
    [{ mostCharacters: 15 }, 'sixteen letters!', '16 characters, more than 15'],
    [{ mostPhrases: 2 }, 'a, b, c', '3 phrases, more than 2'],
    [{ mostOverlap: 0.6 }, 'one short good query', 'shares 0.75 of its words with an earlier one'],
    [
      { mostOverlapWith: { slot: 'passage', share: 0.6 } },
      'snow falls in the winter',
      'shares 0.80 of its words with the passage',
    ],
  ])('loses items by %j', (checks, text, problem) => {
    const prompt = { ...smallPrompt, checks: { ...checks, leastItems: 1 } };
    expect(read(prompt, passage, queries('one short query', text))).toEqual({
      items: [{ text: 'one short query' }],
      dropped: [`${problem}: ${text}`],
    });
    expect(
      read({ ...smallPrompt, checks: { leastItems: 1 } }, passage, queries('one short query', text)),
    ).toMatchObject({
      dropped: [],
    });
  });

  it('is not fooled by names of things that every object has', () => {
    const prompt: Prompt = { ...smallPrompt, reply: { form: 'object', items: 'constructor' }, schema: {} };
    expect(read(prompt, passage, '{}')).toMatchObject({ error: '0 of 2 items are valid' });
  });
});

describe('a reply of one line', () => {
  const titles = promptById('c-titles');
  it.each([
    ['Snow in Winter', 'Snow in Winter'],
    ['\n\n  "Snow in Winter"  \nand more', 'Snow in Winter'],
    ['“Snow in Winter”', 'Snow in Winter'],
    ['<think>hm</think>\nSnow in Winter', 'Snow in Winter'],
    ['"Snow" and "Winter"', '"Snow" and "Winter"'],
  ])('%j', (reply, text) => {
    expect(read(titles, passage, reply)).toEqual({ items: [{ text }], dropped: [] });
  });

  it('is rejected where it is empty, cut or too long', () => {
    expect(read(titles, passage, ' \n')).toMatchObject({ error: 'the reply is empty' });
    expect(read(titles, passage, 'Snow in', 'length')).toMatchObject({
      error: 'the line is incomplete (it was truncated at the maximum length)',
    });
    expect(read(titles, passage, 'Snow\nin', 'length')).toMatchObject({ items: [{ text: 'Snow' }] });
    expect(read(titles, passage, 'word '.repeat(20))).toMatchObject({
      error: expect.stringMatching(/^0 of 1 items are valid: 20 words, more than 19/) as unknown,
    });
  });
});

it('grades come from the names of members', () => {
  const reply = JSON.stringify({
    grade3: 'Snow falls in December.',
    grade2: 'Many things happen at the end of a year.',
    grade1: 'A snowflake has six arms.',
    grade0: 'Bread is baked in ovens.',
  });
  const result = read(promptById('b-graded-passages'), { query: 'when does it snow' }, reply);
  expect('items' in result && result.items.map(({ label }) => label)).toEqual([3, 2, 1, 0]);
  const doubled = reply.replace('A snowflake has six arms.', 'Snow falls in mid December.');
  expect(read(promptById('b-graded-passages'), { query: 'when does it snow' }, doubled)).toMatchObject({
    error:
      '3 of 4 items are valid: shares 0.80 of its words with an earlier one: Snow falls in mid December.',
  });
});

it('labels need no text', () => {
  const label = promptById('relevance-label');
  const slots = { query: 'when', passage: 'now' };
  expect(read(label, slots, '{"label": 2}')).toEqual({ items: [{ text: '', label: 2 }], dropped: [] });
  expect(read(label, slots, '{"label": 4}')).toMatchObject({
    error: 'label: Instance does not match any of [0,1,2,3]',
  });
});

it('a schema is not changed by checking against it', () => {
  const schema = Object.freeze({
    type: 'object',
    properties: Object.freeze({ a: Object.freeze({ type: 'string' }) }),
  });
  const before = JSON.stringify(schema);
  expect(new ReplySchema(schema).problemOf({ a: 1 })).toMatch(/^a: /);
  expect(JSON.stringify(schema)).toBe(before);
});
