import { describe, expect, it } from 'vitest';
import { fillPrompt } from '../../src/generation/fill-prompt.ts';
import { promptById, prompts } from '../../src/generation/prompts/index.ts';
import { solvedPassages } from '../../src/generation/prompts/solved-passages.ts';
import { parsePrompt, readPrompt } from '../../src/generation/read-prompt.ts';
import { InputError } from '../../src/core/errors.ts';
import type { Json } from '../../src/core/json.ts';
import { smallPrompt } from './support.ts';

/** The places in a schema whose strings or lists have no bound. */
function unbounded(schema: Json, path = ''): string[] {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return [];
  const node = schema as Readonly<Record<string, Json>>;
  const open =
    (node.type === 'string' && node.maxLength === undefined) ||
    (node.type === 'array' && node.maxItems === undefined);
  return [
    ...(open ? [path] : []),
    ...Object.entries(node).flatMap(([key, value]) => unbounded(value, `${path}/${key}`)),
  ];
}

describe('the prompts of the studio', () => {
  it('are told apart by their ids', () => {
    expect(new Set(prompts.map(({ id }) => id)).size).toBe(prompts.length);
    expect(promptById('a-hard-negatives').count).toBe(5);
    expect(() => promptById('a-hard-negativs')).toThrow(/Did you mean a-hard-negatives\?/);
  });

  it.each(prompts.map((prompt) => [prompt.id, prompt] as const))(
    '%s is a prompt that a user could give',
    (_, prompt) => {
      expect(readPrompt(JSON.parse(JSON.stringify(prompt)))).toEqual(prompt);
    },
  );

  it.each(prompts.map((prompt) => [prompt.id, prompt] as const))(
    '%s leaves no place open and no text unbounded',
    (_, prompt) => {
      const slots = Object.fromEntries(prompt.slots.map(({ name }) => [name, `the ${name}`]));
      const { messages, schema } = fillPrompt(prompt, slots, 3);
      const asked = messages.map(({ content }) => content).join('\n');
      expect(asked).not.toMatch(/\{\{/);
      for (const text of Object.values(slots)) expect(asked).toContain(text);
      expect(unbounded(schema ?? null)).toEqual([]);
      // JSON mode fails on many models where the prompt does not speak of JSON.
      if (schema !== undefined) expect(asked).toContain('JSON');
    },
  );

  it('have the settings of the papers', () => {
    expect(promptById('c-questions').sampling).toEqual({ temperature: 0.8, maxTokens: 50 });
    expect(promptById('c-user').examples).toBeUndefined();
    expect(promptById('c-claims').examples?.count).toBe(3);
    expect(promptById('a-hard-negatives').sampling).toEqual({
      temperature: 0.6,
      topP: 0.95,
      topK: 20,
      maxTokens: 1024,
    });
  });

  it('show examples that keep the rules they state', () => {
    expect(solvedPassages).toHaveLength(13);
    for (const { question, claim, title, keywords, search } of solvedPassages) {
      for (const text of [question, claim, title, search]) expect(text.split(' ').length).toBeLessThan(20);
      expect(keywords.split(',').length).toBeLessThanOrEqual(5);
      expect(question).toMatch(/\?$/);
    }
  });
});

describe('a prompt of the user', () => {
  const given = {
    id: 'mine',
    version: 1,
    writes: 'queries',
    slots: [{ name: 'passage' }],
    user: 'Ask about {{passage}}',
    reply: { form: 'line' },
    sampling: { maxTokens: 30 },
  };

  it('needs little', () => {
    expect(parsePrompt(`\uFEFF${JSON.stringify(given)}`, 'mine.json')).toEqual({
      ...given,
      title: 'mine',
      description: '',
      system: '',
      count: 1,
      slots: [{ name: 'passage', description: 'its text' }],
    });
  });

  const json = {
    ...given,
    reply: { form: 'object', items: 'queries' },
    count: 2,
    schema: smallPrompt.schema,
  };
  it.each<[string, object | string, string]>([
    ['no JSON', '{', 'is not valid JSON: '],
    ['a list', '[]', 'is a list'],
    ['a setting that does not exist', { ...given, sytem: 'x' }, 'sytem: unknown setting'],
    ['a missing template', { ...given, user: undefined }, 'user: is missing'],
    ['a wrong number', { ...given, sampling: { maxTokens: 0 } }, 'sampling.maxTokens: '],
    [
      'a place that is no slot',
      { ...given, user: '{{passage}} {{quer}}' },
      'user: {{quer}} is not among the slots (passage)',
    ],
    ['a slot without a place', { ...given, user: 'Ask' }, 'user: does not use the slot {{passage}}'],
    [
      'a slot that is there twice',
      { ...given, slots: [{ name: 'passage' }, { name: 'passage' }] },
      'slots: "passage" occurs twice',
    ],
    [
      'a slot with a name of ours',
      { ...given, slots: [{ name: 'passage' }, { name: 'count' }] },
      'slots: "count" is a reserved name',
    ],
    [
      'examples without a place',
      { ...given, examples: { count: 1, template: 'x', pool: [{}] } },
      'user: does not use {{examples}}',
    ],
    ['a place without examples', { ...given, user: '{{passage}} {{examples}}' }, 'examples: is missing'],
    [
      'an example that lacks something',
      {
        ...given,
        user: '{{passage}} {{examples}}',
        examples: { count: 1, template: '{{a}}', pool: [{ a: '1' }, {}] },
      },
      'examples.pool[1]: lacks "a"',
    ],
    ['JSON without a schema', { ...json, schema: undefined }, 'schema: is missing'],
    [
      'a schema without the list',
      { ...json, schema: { type: 'object' } },
      'reply.items: the schema has no list "queries"',
    ],
    [
      'a schema that is none',
      { ...json, schema: { $ref: '#/nowhere' } },
      'schema: is not a valid JSON Schema (',
    ],
    ['several items without a list', { ...json, reply: { form: 'object' } }, 'reply.items: is missing'],
    [
      'members that the schema lacks',
      { ...json, reply: { form: 'members', members: { a: {} } } },
      'reply.members: the schema has no "a"',
    ],
  ])('is refused with %s', (_, prompt, message) => {
    const text = typeof prompt === 'string' ? prompt : JSON.stringify(prompt);
    expect(() => parsePrompt(text, 'mine.json')).toThrow(InputError);
    expect(() => parsePrompt(text, 'mine.json')).toThrow(`mine.json: ${message}`);
  });
});
