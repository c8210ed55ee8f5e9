import { onePerRequest, severalPerRequest, type QueryKind } from './query-prompts.ts';

const kind: QueryKind = {
  type: 'titles',
  title: 'Titles',
  one: 'a title that fits the passage',
  several: 'titles that fit the passage',
  name: 'Title',
  rules: 'It says what the passage is essentially about and has fewer than 20 words.',
  solved: 'title',
};

export const titles = onePerRequest(kind);
export const severalTitles = severalPerRequest(kind);
