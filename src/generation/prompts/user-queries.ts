import { onePerRequest, severalPerRequest, type QueryKind } from './query-prompts.ts';

const kind: QueryKind = {
  type: 'user',
  title: 'Queries of somebody who looks for something',
  one: 'a search query, as a person who needs what the passage says would write it',
  several: 'search queries, as people who need what the passage says would write them',
  name: 'Query',
  rules:
    'It may be a few words on a topic, a short description or a question; it is casual and has fewer than 20 words.',
};

export const userQueries = onePerRequest(kind);
export const severalUserQueries = severalPerRequest(kind);
