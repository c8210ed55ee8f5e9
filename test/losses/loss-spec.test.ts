import { describe, expect, test } from 'vitest';
import type { ListRecord } from '../../src/corpus/types.ts';
import { InputError } from '../../src/core/errors.ts';
import { lossByName, losses } from '../../src/losses/index.ts';
import { formatLossSpec, lossTerm, parseLossSpec } from '../../src/losses/loss-spec.ts';
import { checkLists, gapWarnings } from '../../src/losses/requirements.ts';

describe('lossByName', () => {
  test.each([
    ['mnrl', 'infonce'],
    ['MultipleNegativesRankingLoss', 'infonce'],
    ['multiple-negatives-ranking', 'infonce'],
    ['info-nce', 'infonce'],
    ['contrastive', 'infonce'],
    ['distillation', 'kl'],
    ['kldiv', 'kl'],
    ['margin_mse', 'margin-mse'],
    ['MarginMSELoss', 'margin-mse'],
    ['TripletLoss', 'triplet'],
    ['list_net', 'listnet'],
    ['SyCL', 'ws2'],
  ])('%s is %s', (alias, name) => expect(lossByName(alias).name).toBe(name));

  test('no two losses share a name', () => {
    const names = losses
      .flatMap((loss) => [loss.name, ...loss.aliases])
      .map((name) => name.replaceAll('-', ''));
    expect(new Set(names).size).toBe(names.length);
  });

  test('a mistyped name gets the nearest one', () => {
    expect(() => lossByName('infonse')).toThrow(
      "there is no loss 'infonse'. Did you mean 'infonce'? Use one of",
    );
  });
});

describe('parseLossSpec', () => {
  test('reads a weighted sum', () => {
    const { terms } = parseLossSpec('kl + 0.1*infonce(temperature=0.01,scope=batch,mask=0.6)');
    expect(terms.map(({ definition, weight, settings, scope, mask }) => [definition.name, weight, settings, scope, mask])).toEqual([
      ['kl', 1, { temperature: 0.05, teacherTemperature: 0.3, squareScale: 0 }, 'own', { share: null, margin: null }],
      ['infonce', 0.1, { temperature: 0.01, margin: 0, hardness: 0 }, 'batch', { share: 0.6, margin: null }],
    ]); // prettier-ignore
  });

  test.each([
    ['kl+.1*infonce( temperature = 1e-2 )', 'kl + 0.1*infonce(temperature=0.01)'],
    ['MNRL(scale=50)', 'infonce(temperature=0.02)'],
    ['2*kl-div(teacher_temperature=1, square-scale=1)', '2*kl(teacherTemperature=1, squareScale=1)'],
    ['infonce(scope=in_batch, mask-margin=0.05)', 'infonce(scope=in-batch, maskMargin=0.05)'],
    ['triplet()', 'triplet'],
    ['infonce(temperature=0.05) + margin_mse', 'infonce + margin-mse'],
  ])('%s is %s', (text, canonical) => {
    const spec = parseLossSpec(text);
    expect(formatLossSpec(spec)).toBe(canonical);
    expect(parseLossSpec(canonical)).toEqual(spec);
  });

  test.each([
    ['', 1, 'expected a loss, found the end'],
    ['kl +', 5, 'expected a loss, found the end'],
    ['kl infonce', 4, "expected '+' between two losses, found 'infonce'"],
    ['2 kl', 3, "expected '*' between a weight and its loss, found 'kl'"],
    ['kl + 0.1*infonec', 6, "there is no loss 'infonec'. Did you mean 'infonce'"],
    ['kl + infonec(temperature=1)', 6, "there is no loss 'infonec'. Did you mean 'infonce'"],
    ['infonce(temprature=1)', 9, "no setting 'temprature'. Did you mean 'temperature'"],
    ['infonce(scop=batch)', 9, "no setting 'scop'. Did you mean 'scope'"],
    ['infonce(scope=bath)', 15, "no scope 'bath'. Use one of its scopes: batch, in-batch, own"],
    ['infonce(temperature=x)', 21, "expected a number for 'temperature', found 'x'"],
    ['infonce(temperature=NaN)', 21, "expected a number for 'temperature', found 'NaN'"],
    ['infonce(temperature=0)', 9, 'temperature is 0, but must be above 0'],
    ['infonce(temperature=-0.1)', 9, 'temperature is -0.1, but must be above 0'],
    ['infonce(temperature=0.1', 24, "expected ',' or ')', found the end"],
    ['infonce(temperature=0.1 0.2)', 25, "expected ',' or ')', found '0.2'"],
    ['infonce(temperature=1, temperature=2)', 24, "'temperature' is set twice"],
    ['infonce(scale=20, temperature=1)', 1, 'temperature is set twice'],
    ['kl(squareScale=2)', 4, 'squareScale is 2, but must be 0 or 1'],
    ['kl(mask=0.6)', 4, 'kl has no mask'],
    ['kl(scope=in-batch)', 10, "no scope 'in-batch'"],
    ['infonce(mask=-1)', 9, 'mask is -1, but must be 0 or more'],
    ['1e999*kl', 1, 'The weight of kl is Infinity, but must be above 0 and finite'],
    ['kl(temperature=1e999)', 4, 'temperature is Infinity, but must be a number above 0, and finite'],
    ['0*kl', 1, 'The weight of kl is 0, but must be above 0'],
    ['kl - infonce', 4, "expected '+' between two losses, found '-'"],
    ['kl + 3', 7, "expected '*' between a weight and its loss, found the end"],
    ['kl)', 3, "expected '+' between two losses, found ')'"],
  ])('%j is refused at character %d', (text, character, problem) => {
    expect(() => parseLossSpec(text)).toThrow(InputError);
    expect(() => parseLossSpec(text)).toThrow(`loss '${text}', character ${character}: `);
    expect(() => parseLossSpec(text)).toThrow(problem);
  });
});

test('lossTerm checks a term given as data', () => {
  expect(lossTerm({ loss: 'mnrl', settings: { scale: 20 } }).settings).toEqual({
    temperature: 0.05,
    margin: 0,
    hardness: 0,
  });
  expect(() => lossTerm({ loss: 'mnrl', weight: NaN })).toThrow('The weight of infonce is NaN');
  expect(() => lossTerm({ loss: 'mnrl', settings: { scale: 0 } })).toThrow(
    'must be a number above 0, and finite',
  );
  expect(() => lossTerm({ loss: 'mnrl', settings: { temperature: NaN } })).toThrow(
    'must be a number above 0, and finite',
  );
  expect(() => lossTerm({ loss: 'triplet', settings: { scale: 20 } })).toThrow(
    "triplet has no setting 'scale'",
  );
});

test('compute refuses a setting it does not know', () => {
  const block = {
    rows: 1,
    columns: 1,
    scores: Float64Array.of(1),
    mask: Uint8Array.of(1),
    positive: Int32Array.of(0),
  };
  expect(() => lossByName('infonce').compute(block, { temprature: 1 })).toThrow("Did you mean 'temperature'");
});

describe('checkLists', () => {
  const document = { text: 'x', source: 'gold' };
  const list = (documents: ListRecord['documents']): ListRecord => ({
    query_id: 'q7',
    query: 'x',
    documents,
  });
  const good = list([
    { ...document, id: 'a', label: 1, teacher: 0.9 },
    { ...document, id: 'b', label: 0, teacher: 0.1 },
    { ...document, id: 'c', label: 0 },
  ]);

  test('counts passages without a teacher score where they are read', () => {
    expect(checkLists(parseLossSpec('kl + infonce(mask=0.6)'), [good, good])).toEqual({
      withoutTeacher: 2,
      ungraded: undefined,
    });
    expect(checkLists(parseLossSpec('infonce'), [good])).toMatchObject({ withoutTeacher: 0 });
  });

  test('finds lists without a grade above 0 where grades are read', () => {
    const flat = list([
      { ...document, id: 'a', label: 0 },
      { ...document, id: 'b', label: 0 },
    ]);
    const gaps = checkLists(parseLossSpec('listnet'), [{ ...flat, query_id: 'first' }, flat]);
    expect(gaps.ungraded).toEqual({ lists: 2, first: 'first' });
    expect(gapWarnings(gaps)).toEqual([expect.stringMatching(/without a label above 0.*"first".*: 2$/)]);
  });

  test.each([
    ['infonce', [{ ...document, id: 'a', label: 0 }], 'no passage is labeled positive, which infonce needs'],
    ['listnet', [{ ...document, id: 'a' }], "passage 'a' has no label"],
    [
      'kl',
      [
        { ...document, id: 'a', teacher: 1 },
        { ...document, id: 'b' },
      ],
      'fewer than two passages',
    ],
    [
      'margin-mse',
      [
        { ...document, id: 'a', label: 1 },
        { ...document, id: 'b', teacher: 1 },
        { ...document, id: 'c', teacher: 1 },
      ],
      'the positive has no teacher score',
    ],
    ['infonce(mask=0.6)', [{ ...document, id: 'a', label: 1 }], 'no teacher score for the mask'],
    [
      'infonce(mask=0.6)',
      [{ ...document, id: 'a', label: 1, teacher: -2 }],
      'mask needs one that is 0 or more',
    ],
  ])('%s refuses a list that lacks what it reads', (spec, documents, problem) => {
    const check = () => checkLists(parseLossSpec(spec), [good, list(documents)], { file: 'lists.jsonl' });
    expect(check).toThrow(InputError);
    expect(check).toThrow("lists.jsonl: query 'q7': ");
    expect(check).toThrow(problem);
  });

  test('takes a bar for positives', () => {
    const check = () => checkLists(parseLossSpec('infonce'), [good], { level: 2 });
    expect(check).toThrow('no passage is labeled positive');
  });
});
