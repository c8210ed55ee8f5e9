/** Passages that seem to answer a query and do not: the setting of arXiv 2504.21015; the wording is ours. */
import type { Prompt } from '../prompt.ts';
import { listObject, text } from './schema.ts';

const query = { name: 'query', description: 'the query', maxCharacters: 500 };
const positive = { name: 'positive', description: 'a passage that answers the query', maxCharacters: 2048 };

/** Of the paper's first version; the later ones give none. */
const sampling = { temperature: 0.6, topP: 0.95, topK: 20, maxTokens: 1024 };
const count = 5;

const definition =
  'A hard negative is a passage that a search engine would be tempted to return for a query: it is about the same ' +
  'topic, names the same things and uses similar words. But somebody who reads it does not get the answer.';

const failures =
  'Each fails for another reason, which you name first: "entity" (about another person, place or thing), "time" ' +
  '(about another time), "relation" (about another relation between the same things), "partial" (stops before the ' +
  'answer), "background" (only what surrounds the matter).';

const rules =
  'None may contain the answer, not even in part of a sentence. Each is a complete, factual-sounding passage of its ' +
  'own that does not mention the query, and no two are alike.';

const schema = listObject('negatives', {
  type: { enum: ['entity', 'time', 'relation', 'partial', 'background'] },
  text: text(1600),
});

/** Five from the query and its positive. */
export const hardNegatives: Prompt = {
  id: 'a-hard-negatives',
  version: 1,
  title: 'Hard negatives',
  description: 'Five passages per query that resemble a passage that answers it, but do not answer it.',
  writes: 'negatives',
  slots: [query, positive],
  system: `You write training data for a dense retriever. ${definition} You reply in JSON.`,
  user:
    `Write {{count}} hard negatives for the query below. ${failures} ${rules} Each is about as long as the passage ` +
    'that answers the query, give or take a third, and in its style, but copies no sentence of it.\n\n' +
    'Reply with JSON only, with {{count}} entries: {"negatives": [{"type": "…", "text": "…"}, …]}\n\n' +
    'Query: {{query}}\n\nPassage that answers it: {{positive}}',
  count,
  schema,
  reply: { form: 'object', items: 'negatives' },
  checks: { mostOverlap: 0.8, mostOverlapWith: { slot: 'positive', share: 0.8 } },
  sampling,
};

/** Five from the query alone. */
export const hardNegativesOfQuery: Prompt = {
  id: 'a-hard-negatives-query-only',
  version: 1,
  title: 'Hard negatives, from the query alone',
  description: 'Five passages per query, without showing the model a passage that answers it.',
  writes: 'negatives',
  slots: [query],
  system: `You write training data for a dense retriever. ${definition} You reply in JSON.`,
  user:
    `Write {{count}} hard negatives for the query below. Think of what would answer it, and write around it. ` +
    `${failures} ${rules} Each has 40 to 100 words.\n\n` +
    'Reply with JSON only, with {{count}} entries: {"negatives": [{"type": "…", "text": "…"}, …]}\n\n' +
    'Query: {{query}}',
  count,
  schema,
  reply: { form: 'object', items: 'negatives' },
  checks: { mostOverlap: 0.8 },
  sampling,
};

/** After arXiv 2606.01304: negatives that heed what the query needs, all of it but one thing. */
export const brokenRequirements: Prompt = {
  id: 'a-broken-requirements',
  version: 1,
  title: 'Hard negatives that break one requirement each',
  description: 'Passages that meet all requirements of the query but one, which the model names first.',
  writes: 'negatives',
  slots: [query, positive],
  system:
    'You write training data for a dense retriever. A query states requirements: the thing it is about, a place, a ' +
    'time, an amount, a condition, the kind of answer. You write passages that meet all of them but one. You reply ' +
    'in JSON.',
  user:
    'Find the requirements that the query below states. Then write {{count}} passages; for each choose one ' +
    'requirement, name it in a few words, and write a passage that breaks this one and meets all the others, so ' +
    'that it does not answer the query. Take another requirement each time while there are some left; then break ' +
    'one in another way. Each passage is about as long as the one that answers the query, and copies no sentence ' +
    'of it.\n\n' +
    'Reply with JSON only, with {{count}} entries: {"negatives": [{"requirement": "…", "text": "…"}, …]}\n\n' +
    'Query: {{query}}\n\nPassage that answers it: {{positive}}',
  count,
  schema: listObject('negatives', { requirement: text(120), text: text(1600) }),
  reply: { form: 'object', items: 'negatives', type: 'requirement' },
  checks: { mostOverlap: 0.9, mostOverlapWith: { slot: 'positive', share: 0.9 } },
  sampling,
};
