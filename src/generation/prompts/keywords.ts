import { onePerRequest, severalPerRequest, type QueryKind } from './query-prompts.ts';

const kind: QueryKind = {
  type: 'keywords',
  title: 'Keywords',
  one: 'a line of up to 5 keywords or key phrases under which the passage should be found',
  several: 'lines of up to 5 keywords or key phrases under which the passage should be found',
  name: 'Keywords',
  rules: 'The keywords are separated by commas, are general terms, and do not repeat one another.',
  mostPhrases: 5,
  solved: 'keywords',
};

export const keywords = onePerRequest(kind);
export const severalKeywords = severalPerRequest(kind);
