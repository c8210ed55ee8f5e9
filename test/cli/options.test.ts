import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addComputeOptions, choiceOption, integerOption, numberOption } from '../../src/cli/options.ts';
import { InputError } from '../../src/core/errors.ts';

describe('integerOption', () => {
  const parse = integerOption('--steps', { min: 1, max: 1000 });

  it.each([
    ['1', 1],
    ['1000', 1000],
    ['+7', 7],
  ])('takes %s', (text, value) => {
    expect(parse(text)).toBe(value);
  });

  it.each(['0', '-1', '1001', '1.5', '1e2', 'NaN', 'Infinity', '', ' ', '0x10', '12abc', '1_000'])(
    'refuses "%s"',
    (text) => {
      expect(() => parse(text)).toThrow(InputError);
      expect(() => parse(text)).toThrow(`--steps is "${text}". Use a whole number from 1 to 1000.`);
    },
  );
});

describe('numberOption', () => {
  const parse = numberOption('--learning-rate', { min: 0 });

  it.each([
    ['2e-5', 2e-5],
    ['.5', 0.5],
    ['0', 0],
    ['1.', 1],
  ])('takes %s', (text, value) => {
    expect(parse(text)).toBe(value);
  });

  it('states a range without an upper end', () => {
    expect(() => parse('1e999')).toThrow('--learning-rate is "1e999". Use a number, 0 or more.');
  });

  it.each(['-1e-9', 'NaN', '1e999', 'inf', '1,5', '0x1', '', '2e-5x'])('refuses "%s"', (text) => {
    expect(() => parse(text)).toThrow('--learning-rate is');
  });
});

it('choiceOption names the choices', () => {
  const parse = choiceOption('--pooling', ['mean', 'cls']);
  expect(parse('cls')).toBe('cls');
  expect(() => parse('max')).toThrow('--pooling is "max". Use one of mean, cls.');
});

it('addComputeOptions has defaults for everything but the threads', () => {
  const parse = (...args: string[]) => addComputeOptions(new Command()).parse(args, { from: 'user' }).opts();
  expect(parse()).toEqual({ device: 'auto', seed: 0 });
  expect(parse('--device', 'webgpu', '--threads', '2', '--seed', '7')).toEqual({
    device: 'webgpu',
    threads: 2,
    seed: 7,
  });
  expect(() => parse('--device', 'tpu')).toThrow('--device is "tpu"');
  expect(() => parse('--threads', '0')).toThrow('--threads is "0"');
  expect(() => parse('--seed', '-1')).toThrow('--seed is "-1"');
});
