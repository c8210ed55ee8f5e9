import type { Prompt } from '../prompt.ts';
import { object, text } from './schema.ts';

/** Four passages for a query, one of each grade: the data of arXiv 2503.23239; the wording is ours. */
export const gradedPassages: Prompt = {
  id: 'b-graded-passages',
  version: 1,
  title: 'Passages of four grades',
  description:
    'One passage per grade of relevance to a query: 3 exact answer, 2 partial answer, 1 same topic, 0 not relevant.',
  writes: 'graded',
  slots: [{ name: 'query', description: 'the query', maxCharacters: 500 }],
  system:
    'You write passages as they stand on web pages, for a collection in which people search. You reply in JSON.',
  user:
    'Write four passages for the query below:\n' +
    '- grade3: is about just what the query asks and gives the exact answer.\n' +
    '- grade2: holds the answer in one clause at most, among other matter, or leaves it unclear.\n' +
    '- grade1: is on the same topic and names the same things, but does not hold the answer.\n' +
    '- grade0: is about something else, and shares one word of the query at most.\n' +
    'None speaks of the query, of grades or of how relevant it is, and no two are alike. {{examples}}\n\n' +
    'Reply with JSON only: {"grade3": "…", "grade2": "…", "grade1": "…", "grade0": "…"}\n\nQuery: {{query}}',
  count: 4,
  schema: object({ grade3: text(1200), grade2: text(1200), grade1: text(1200), grade0: text(1200) }),
  reply: {
    form: 'members',
    members: { grade3: { label: 3 }, grade2: { label: 2 }, grade1: { label: 1 }, grade0: { label: 0 } },
  },
  checks: { mostOverlap: 0.6 },
  sampling: { temperature: 0.8, topP: 0.95, maxTokens: 1024 },
  examples: {
    count: 1,
    template: 'Write about {{words}} words each, {{style}}.',
    pool: [
      { words: '40', style: 'in the plain tone of an encyclopedia' },
      { words: '60', style: 'in the plain tone of an encyclopedia' },
      { words: '100', style: 'in the plain tone of an encyclopedia' },
      { words: '50', style: 'like a page of frequently asked questions' },
      { words: '80', style: 'like a how-to guide' },
      { words: '120', style: 'like a magazine article' },
      { words: '60', style: 'like the answer of a forum member' },
      { words: '40', style: 'like a short news item' },
      { words: '90', style: 'like a textbook for schools' },
      { words: '70', style: 'like the page of a company or an authority' },
    ],
  },
};
