import { expect, it } from 'vitest';
import { withoutDuplicatesOfPositives } from '../../src/corpus/text-key.ts';

it('leaves out negatives with the text of a positive, wherever in the list that stands', () => {
  const document = (id: string, text: string, label: number) => ({ id, text, label, source: 's' });
  const record = {
    query_id: 'q',
    query: 'q',
    documents: [
      ...['a', 'b', 'c', 'd'].map((id) => document(id, `text ${id}`, 0)),
      document('e', 'The answer', 1),
      document('f', 'the  answer', 0),
    ],
  };
  const { record: kept, removed } = withoutDuplicatesOfPositives(record);
  expect(removed).toBe(1);
  expect(kept.documents.map(({ id }) => id).join('')).toBe('abcde');
});
