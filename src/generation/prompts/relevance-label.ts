import type { Prompt } from '../prompt.ts';
import { object } from './schema.ts';

/** How relevant an existing passage is, on the scale of TREC's deep-learning track. */
export const relevanceLabel: Prompt = {
  id: 'relevance-label',
  version: 1,
  title: 'Grade a passage',
  description:
    'Grades how well a passage answers a query: 3 exact answer, 2 partial answer, 1 same topic, 0 not relevant.',
  writes: 'labels',
  slots: [
    { name: 'query', description: 'the query', maxCharacters: 500 },
    { name: 'passage', description: 'the passage to judge', maxCharacters: 4096 },
  ],
  system: 'You judge how well passages answer search queries. You reply in JSON.',
  user:
    'Grade the passage:\n' +
    '3: it is about just what the query asks and holds the exact answer.\n' +
    '2: it holds some answer, but unclear, incomplete or among much else.\n' +
    '1: it is on the topic of the query, but does not answer it.\n' +
    '0: it has nothing to do with the query.\n\n' +
    'Query: {{query}}\n\nPassage: {{passage}}\n\nReply with JSON only: {"label": 0, 1, 2 or 3}',
  count: 1,
  schema: object({ label: { type: 'integer', enum: [0, 1, 2, 3] } }),
  reply: { form: 'object' },
  sampling: { temperature: 0, maxTokens: 24 },
};
