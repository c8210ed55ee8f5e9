import type { Prompt } from '../prompt.ts';
import { listObject, text } from './schema.ts';

/** What all prompts have that ask for parts of the passage itself, which needs no language model. */
function extracted(kind: 'clauses' | 'keywords', title: string, what: string): Prompt {
  return {
    id: `extract-${kind}`,
    version: 1,
    title,
    description: `${title} from the passage itself, in its own words: for the generator extract, which needs no model.`,
    writes: 'queries',
    type: `extracted ${kind}`,
    slots: [{ name: 'passage', description: 'the passage to extract from' }],
    system:
      `You extract search queries from passages of text. Copy {{count}} ${what}, each from another place. ` +
      'Reply with JSON only: {"queries": [{"text": "…"}, …]}',
    user: '{{passage}}',
    count: 2,
    schema: listObject('queries', { text: text(400) }),
    reply: { form: 'object', items: 'queries' },
    checks: { leastItems: 1 },
    sampling: { temperature: 0, maxTokens: 120 },
  };
}

export const extractedClauses = extracted('clauses', 'Clauses', 'clauses of 4 to 12 words from the passage');
export const extractedKeywords = extracted(
  'keywords',
  'Keywords',
  'lines of 3 to 5 important words of the passage, in their order',
);
