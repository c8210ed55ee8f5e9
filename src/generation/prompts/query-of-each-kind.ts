import type { Prompt } from '../prompt.ts';
import { object, text } from './schema.ts';

/** The six kinds in one reply: the cheapest way to queries of all kinds where requests are answered one at a time. */
export const queryOfEachKind: Prompt = {
  id: 'c-each-kind',
  version: 1,
  title: 'One query of each kind',
  description:
    'One query of each of the six kinds of arXiv 2502.19712 in a single reply, without examples. The cheapest in a browser tab.',
  writes: 'queries',
  slots: [{ name: 'passage', description: 'the passage to write for', maxCharacters: 2048 }],
  system: 'You write search queries of different kinds for passages of text. You reply in JSON.',
  user:
    'Read the passage and find what it says. Then write six search queries that it answers:\n' +
    '- questions: a question\n' +
    '- claims: a short, specific claim that it supports\n' +
    '- titles: a title that says what it is about\n' +
    '- keywords: up to 5 keywords or key phrases, separated by commas\n' +
    '- msmarco: what somebody would type into a web search engine, in lower case\n' +
    '- user: what a person who needs it would write casually, in their own words\n' +
    'Each has fewer than 20 words, is clear to somebody who has not seen the passage, and does not copy long ' +
    'phrases from it. They are about different things that the passage says.\n\n' +
    'Reply with JSON only: {"questions": "…", "claims": "…", "titles": "…", "keywords": "…", "msmarco": "…", ' +
    '"user": "…"}\n\nPassage: {{passage}}',
  count: 6,
  schema: object({
    questions: text(200),
    claims: text(200),
    titles: text(200),
    keywords: text(200),
    msmarco: text(200),
    user: text(200),
  }),
  reply: {
    form: 'members',
    members: {
      questions: { type: 'questions' },
      claims: { type: 'claims' },
      titles: { type: 'titles' },
      keywords: { type: 'keywords' },
      msmarco: { type: 'msmarco' },
      user: { type: 'user' },
    },
  },
  checks: { mostWords: 25, mostOverlap: 0.8, leastItems: 1 },
  sampling: { temperature: 0.8, maxTokens: 360 },
};
