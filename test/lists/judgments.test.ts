import { describe, expect, it } from 'vitest';
import { readLists, writeLists } from '../../src/corpus/lists.ts';
import { textSource } from '../../src/core/source.ts';
import type { ListDocument, ListRecord } from '../../src/corpus/types.ts';
import { readAnswers, withAnswers } from '../../src/lists/answers.ts';
import { applyRules } from '../../src/lists/filter.ts';
import { readGivenLabels, withGivenLabels } from '../../src/lists/given-labels.ts';
import { guideLists, withGuideScores } from '../../src/lists/guide.ts';
import { parseRules } from '../../src/lists/rule-spec.ts';
import { readTeacherScores } from '../../src/lists/teacher-scores.ts';
import { keepPassages } from '../../src/lists/verdicts.ts';
import { refused } from '../corpus/support.ts';
import { listOf } from './lists.ts';

/** The ids that stay, of each list that does. */
function stay(lists: readonly ListRecord[], rules: string): string[] {
  const { lists: kept } = keepPassages(applyRules(lists, parseRules(rules)).lists);
  return kept.map(({ documents }) => documents.map(({ id }) => id).join(' '));
}

function withTexts(list: ListRecord, texts: readonly string[]): ListRecord {
  return {
    ...list,
    documents: list.documents.map((document, i) => ({ ...document, text: texts[i] ?? document.text })),
  };
}

const verdictsOf = ({ documents }: ListRecord, rule: string): (string | undefined)[] =>
  documents.map(({ verdicts }) => verdicts?.[rule]);

describe('the rule answers', () => {
  const list = withTexts(listOf('q', 1, [1, 1, 1, 1]), [
    'Paris it is',
    'The capital: PARIS!',
    'Comparison of parishes',
    'In New York, and in Paris',
    'New or York',
  ]);

  it('drops passages that hold an answer, word for word, whatever case and punctuation', () => {
    const known = withAnswers([list], new Map([['q', ['paris', 'new  york', '…']]]));
    const { lists } = applyRules(known, parseRules('answers<=0'));
    expect(verdictsOf(lists[0]!, 'answers<=0')).toEqual([
      undefined,
      'drop: holds "paris"',
      'keep',
      'drop: holds "paris", "new  york"',
      'keep',
    ]);
    expect(stay(known, 'answers<=1')).toEqual(['qp qn1 qn2 qn4']);
  });

  it('leaves lists without answers, and refuses files without any', () => {
    const known = withAnswers([list, listOf('r', 1, [1])], new Map([['q', ['paris']]]));
    expect(stay(known, 'answers<=0')[1]).toBe('rp rn1');
    expect(known[1]).not.toHaveProperty('answers');
    expect(withAnswers(known, new Map())[0]).not.toHaveProperty('answers');
    expect(() => stay([list], 'answers<=0')).toThrow(
      /no list has answers, which the rule "answers<=0" requires/,
    );
  });

  it('reads answers by tabs, several lines for a query, and as JSON', async () => {
    const tabs = await readAnswers(textSource('a.tsv', 'q\tParis\nr\t7\n\nq\tthe city of light\nq\tParis\n'));
    const json = await readAnswers(
      textSource(
        'a.jsonl',
        '{"query_id":"q","answers":["Paris","the city of light"]}\n{"query_id":"r","answers":"7"}',
      ),
    );
    expect([...tabs]).toEqual([
      ['q', ['Paris', 'the city of light']],
      ['r', ['7']],
    ]);
    expect([...json]).toEqual([...tabs]);
  });

  it('reads as many answers as fit a line, each once', async () => {
    const answers = Array.from({ length: 300_000 }, (_, i) => String(i % 200_000));
    const text = JSON.stringify({ query_id: 'q', answers });
    expect((await readAnswers(textSource('a.jsonl', text))).get('q')).toHaveLength(200_000);
  });

  it.each([
    ['q\n', /a\.tsv:1: has 1 columns/],
    ['q\ta\tb', /a\.tsv:1: has 3 columns/],
    ['\ta', /an id is not valid/],
    ['q\ta\n{"query_id"', /a\.tsv:2: has 1 columns/],
    ['{"query_id":"q","answers":[1]}', /"answers" is not a list of strings/],
  ])('refuses %j', async (text, message) => {
    expect(await refused(readAnswers(textSource('a.tsv', text)))).toMatch(message);
  });
});

describe('a guide', () => {
  const scores = 'q\tqp\t0.8\nq\tqn1\t0.9\nq\tqn2\t0.79\nq\tqn3\t0.6\n';

  it("drops what it puts above the positive, or near it, and does not touch the teacher's scores", async () => {
    const table = await readTeacherScores(textSource('s.tsv', scores));
    const { lists, report } = withGuideScores([listOf('q', 0.1, [0, 0, 0, 0])], table);
    expect(report).toEqual({ found: 4, missing: 1, unused: 0 });
    expect(lists[0]?.documents.map(({ teacher, guide }) => [teacher, guide])).toEqual([
      [0.1, 0.8],
      [0, 0.9],
      [0, 0.79],
      [0, 0.6],
      [0, undefined],
    ]);
    expect(stay(lists, 'guide-margin>=0')).toEqual(['qp qn2 qn3 qn4']);
    expect(stay(lists, 'guide-margin>=0.1')).toEqual(['qp qn3 qn4']);
    // 0.8 − 0.25 · 0.8 = 0.6.
    expect(stay(lists, 'guide-relative-margin>=0.25')).toEqual(['qp qn3 qn4']);
    expect(stay(lists, 'guide-relative-margin>=0.3')).toEqual(['qp qn4']);
    const { lists: judged } = applyRules(lists, parseRules('guide-margin>=0'));
    expect(verdictsOf(judged[0]!, 'guide-margin>=0')[4]).toBe('skip: no guide score');
    expect(() => stay([listOf('q', 1, [1])], 'guide-margin>=0')).toThrow(/no passage has a guide score/);
  });

  it('is any teacher, whose scores are kept beside', async () => {
    const guide = { score: () => Promise.resolve([Float64Array.of(3, 4)]) };
    const [list] = await guideLists([listOf('q', 1, [2])], guide);
    expect(list?.documents.map(({ teacher, guide: score }) => [teacher, score])).toEqual([
      [1, 3],
      [2, 4],
    ]);
  });
});

describe('labels by a model and by hand', () => {
  const lists = [listOf('q', undefined, [undefined, undefined]), listOf('r', undefined, [undefined])];
  const labels = 'q\tqp\t3\nq\tqn1\t2\nq\tqn2\t1\nr\trp\t0\n';

  it('take out negatives that were judged relevant, and lists whose positive was not', async () => {
    const table = await readGivenLabels(textSource('l.tsv', labels));
    for (const [by, rule] of [
      ['model', 'model-label'],
      ['hand', 'hand-label'],
    ] as const) {
      const { lists: labeled } = withGivenLabels(lists, table, by);
      expect(stay(labeled, `${rule}<=1`)).toEqual(['qp qn2', 'rp rn1']);
      expect(stay(labeled, `${rule}<=0`)).toEqual(['qp', 'rp rn1']);
      expect(stay(labeled, `${rule}>=2`)).toEqual(['qp qn1 qn2']);
      expect(() => stay(lists, `${rule}<=1`)).toThrow(/no passage has a label from/);
      // What is trained on stays as it was.
      expect(labeled[0]?.documents.map(({ label }) => label)).toEqual([1, 0, 0]);
      const { lists: judged } = applyRules(labeled, parseRules(`${rule}<=1`));
      expect(verdictsOf(judged[0]!, `${rule}<=1`)).toEqual([undefined, 'drop: labeled 2', 'keep']);
      expect(verdictsOf(judged[1]!, `${rule}<=1`)).toEqual([undefined, 'skip: not labeled']);
    }
  });

  it('are read from JSON too, and refused with the line', async () => {
    const json = await readGivenLabels(textSource('l.jsonl', '{"query_id":"q","id":"qn1","label":2}'));
    expect(json.get('q')?.get('qn1')).toBe(2);
    const bad = await refused(readGivenLabels(textSource('l.tsv', 'q\tp\t1\nq\tp\t2\n')));
    expect(bad).toMatch(/l\.tsv:2: query "q", document "p" has the label 2 here and 1 earlier/);
  });
});

it('lists keep answers, guide scores and labels when they are written and read', async () => {
  const [base] = [listOf('q', 1, [0.5])];
  const documents: ListDocument[] = base.documents.map((document) => ({
    ...document,
    guide: 0.25,
    model_label: 2,
    hand_label: 0,
  }));
  const list: ListRecord = { ...base, answers: ['Paris', '7'], documents };
  const lines: string[] = [];
  for await (const line of writeLists([list], 'studio')) lines.push(line);
  const read: ListRecord[] = [];
  for await (const each of readLists(textSource('l.jsonl', lines.join('')))) read.push(each);
  expect(read).toEqual([list]);
});
