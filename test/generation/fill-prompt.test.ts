import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fillPrompt, makeRequest, placesIn } from '../../src/generation/fill-prompt.ts';
import { withCount, type Prompt } from '../../src/generation/prompt.ts';
import { promptById } from '../../src/generation/prompts/index.ts';
import { InputError } from '../../src/core/errors.ts';
import { smallPrompt } from './support.ts';

const userText = (prompt: Prompt, slots: Record<string, string>, seed = 1): string =>
  fillPrompt(prompt, slots, seed).messages.at(-1)?.content ?? '';

describe('filling a prompt', () => {
  it('puts texts and the number of items in their places, and the number into the schema', () => {
    const { messages, schema } = fillPrompt(smallPrompt, { passage: 'Snow.' }, 1);
    expect(messages).toEqual([
      { role: 'system', content: 'Write 2 queries as JSON.' },
      { role: 'user', content: 'Passage: Snow.' },
    ]);
    expect(schema).toMatchObject({ properties: { queries: { type: 'array', minItems: 2, maxItems: 2 } } });
  });

  it('never takes a text of a corpus for a template', () => {
    const hostile = '{{count}} {{passage}} {{ passage }} {{examples}} $& $1 {{constructor}}';
    expect(userText(smallPrompt, { passage: hostile })).toBe(`Passage: ${hostile}`);
  });

  it('keeps every text as it is but for white space', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.nat(), (passage, seed) => {
        const shown = passage.replace(/\s+/gu, ' ').trim();
        fc.pre(shown !== '');
        expect(userText(smallPrompt, { passage }, seed)).toBe(`Passage: ${shown}`);
      }),
    );
  });

  it('cuts a text at the slot’s limit, not within a character', () => {
    const limited = { ...smallPrompt, slots: [{ name: 'passage', description: '', maxCharacters: 4 }] };
    expect(userText(limited, { passage: 'abcdef' })).toBe('Passage: abcd');
    expect(userText(limited, { passage: 'abc😀def' })).toBe('Passage: abc');
  });

  it('says which text is missing, also where the object inherits one', () => {
    const odd = { ...smallPrompt, slots: [{ name: 'constructor', description: 'a builder' }] };
    expect(() => fillPrompt(odd, {}, 1)).toThrow(
      'the prompt small@1 has no text for its slot "constructor". Set it: a builder.',
    );
    expect(() => fillPrompt(smallPrompt, { passage: ' \n ' }, 1)).toThrow(InputError);
  });

  it('draws three different examples by the seed', () => {
    const questions = promptById('c-questions');
    const shown = (seed: number): string[] =>
      questions
        .examples!.pool.filter(({ passage }) =>
          userText(questions, { passage: 'Snow.' }, seed).includes(passage!),
        )
        .map(({ query }) => query!);
    expect(shown(1)).toHaveLength(3);
    expect(shown(1)).toEqual(shown(1));
    const drawn = new Set(Array.from({ length: 60 }, (_, seed) => shown(seed)).flat());
    expect(drawn.size).toBe(questions.examples!.pool.length);
  });
});

describe('a request', () => {
  const request = (prompt: Prompt, passage: string, seed: number) =>
    makeRequest(prompt, fillPrompt(prompt, { passage }, 1), seed);

  it('is named by what it asks', async () => {
    const one = await request(smallPrompt, 'Snow.', 5);
    expect(one.id).toMatch(/^[0-9a-f]{64}$/);
    expect((await request({ ...smallPrompt, title: 'Another' }, 'Snow.', 5)).id).toBe(one.id);
    const others = await Promise.all([
      request(smallPrompt, 'Snow.', 6),
      request(smallPrompt, 'Rain.', 5),
      request({ ...smallPrompt, sampling: { maxTokens: 100, temperature: 0.7 } }, 'Snow.', 5),
      request(withCount(smallPrompt, 3), 'Snow.', 5),
      request({ ...smallPrompt, schema: { type: 'object' } }, 'Snow.', 5),
    ]);
    expect(new Set([one, ...others].map(({ id }) => id)).size).toBe(6);
  });

  it('gets tokens in proportion to its items', () => {
    expect(withCount(smallPrompt, 3)).toMatchObject({ count: 3, sampling: { maxTokens: 150 } });
    const line = promptById('c-titles');
    expect(withCount(line, 3)).toBe(line);
  });
});

it('finds the places of a template', () => {
  expect(placesIn('{{a}} {{ b_2 }} {{a}} {{B}} {c} {{}}')).toEqual(['a', 'b_2']);
});
