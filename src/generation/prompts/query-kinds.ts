import type { QueryKind } from './query-prompts.ts';

/** The six kinds of queries of arXiv 2502.19712. */
export const queryKinds: readonly QueryKind[] = [
  {
    type: 'questions',
    title: 'Questions',
    one: 'a question that the passage answers',
    several: 'questions that the passage answers',
    name: 'Question',
    rules: 'It sounds like something a person would ask and has fewer than 20 words.',
    solved: 'question',
  },
  {
    type: 'claims',
    title: 'Claims',
    one: 'a short claim that the passage supports',
    several: 'short claims that the passage supports',
    name: 'Claim',
    rules: 'It is specific, makes a single key point and has fewer than 20 words.',
    solved: 'claim',
  },
  {
    type: 'titles',
    title: 'Titles',
    one: 'a title that fits the passage',
    several: 'titles that fit the passage',
    name: 'Title',
    rules: 'It says what the passage is essentially about and has fewer than 20 words.',
    solved: 'title',
  },
  {
    type: 'keywords',
    title: 'Keywords',
    one: 'a line of up to 5 keywords or key phrases under which the passage should be found',
    several: 'lines of up to 5 keywords or key phrases under which the passage should be found',
    name: 'Keywords',
    rules: 'The keywords are separated by commas, are general terms, and do not repeat one another.',
    mostPhrases: 5,
    solved: 'keywords',
  },
  {
    type: 'msmarco',
    title: 'Web search queries',
    one: 'a query that somebody would type into a web search engine to find the passage',
    several: 'queries that somebody would type into a web search engine to find the passage',
    name: 'Query',
    rules:
      'It is in the style of MS MARCO: lower case, without much punctuation, natural, fewer than 20 words.',
    solved: 'search',
  },
  {
    type: 'user',
    title: 'Queries of somebody who looks for something',
    one: 'a search query, as a person who needs what the passage says would write it',
    several: 'search queries, as people who need what the passage says would write them',
    name: 'Query',
    rules:
      'It may be a few words on a topic, a short description or a question; it is casual and has fewer than 20 words.',
  },
];
