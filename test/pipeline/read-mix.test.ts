import { describe, expect, it } from 'vitest';
import { parseLossSpec } from '../../src/losses/loss-spec.ts';
import { readMix } from '../../src/pipeline/read-mix.ts';

const source = (name: string, rest: object = {}): object => ({ source: name, ...rest });
const read = (document: unknown, loss = 'infonce'): unknown =>
  readMix(document, parseLossSpec(loss), 'mix.json');

describe('readMix', () => {
  it('fills in what is left out, as a recipe does', () => {
    const sources = [
      source('mined', { weight: 3, choice: 'stratified' }),
      source('written', { endWeight: 0 }),
    ];
    expect(read({ sources })).toEqual({
      batches: 'mixed',
      sources: [
        { source: 'mined', weight: 3, choice: 'stratified' },
        { source: 'written', weight: 1, endWeight: 0 },
      ],
    });
  });

  it.each<{ mix: unknown; loss?: string; message: RegExp }>([
    {
      mix: [],
      message: /^mix\.json: is not an object {…}\. Fix the mix; docs\/recipes\.md describes its members\.$/,
    },
    { mix: null, message: /is not an object/ },
    { mix: {}, message: /sources: is missing/ },
    { mix: { sources: [] }, message: /sources: is \[\], but must be of length 1 or more/ },
    { mix: { sources: [source('a')], weights: [1] }, message: /weights: unknown setting/ },
    {
      mix: { sources: [source('a', { wieght: 1 })] },
      message: /sources\[0\]\.wieght: .*did you mean "weight"/,
    },
    { mix: { sources: [source('a', { weight: 'three' })] }, message: /weight: is "three", not a number/ },
    {
      mix: { sources: [source('a', { firstStep: 0 })] },
      message: /firstStep: is 0, but must be a whole number from 1 to 1000000000/,
    },
    {
      mix: { sources: [source('a'), source('a')] },
      message: /sources\[1\]\.source: two sources have the name "a"/,
    },
    {
      mix: { sources: [source('a', { filters: 'x' })] },
      message: /\.filters: filters are available only in recipes/,
    },
    {
      mix: { sources: [source('a', { temperature: 1 })] },
      loss: 'margin-mse',
      message: /sources\[0\]: .*a sets a temperature, but no loss of the training has one/,
    },
  ])('refuses $mix', ({ mix, loss, message }) => {
    expect(() => read(mix, loss)).toThrow(message);
  });
});
