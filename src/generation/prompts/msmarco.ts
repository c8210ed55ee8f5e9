import { onePerRequest, severalPerRequest, type QueryKind } from './query-prompts.ts';

const kind: QueryKind = {
  type: 'msmarco',
  title: 'Web search queries',
  one: 'a query that somebody would type into a web search engine to find the passage',
  several: 'queries that somebody would type into a web search engine to find the passage',
  name: 'Query',
  rules:
    'It is in the style of MS MARCO: lower case, without much punctuation, natural, fewer than 20 words.',
  solved: 'search',
};

export const msmarco = onePerRequest(kind);
export const severalMsmarco = severalPerRequest(kind);
