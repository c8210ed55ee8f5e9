import type { Prompt, PromptExamples } from '../prompt.ts';
import { solvedPassages, type SolvedPassage } from './solved-passages.ts';
import { listObject, text } from './schema.ts';

/** One of the kinds of queries of arXiv 2502.19712. */
export interface QueryKind {
  /** What the paper calls it. */
  readonly type: string;
  readonly title: string;
  /** What the model is told to write: `one question` … */
  readonly one: string;
  readonly several: string;
  /** How the place for it is called, in the prompt and its examples. */
  readonly name: string;
  readonly rules: string;
  readonly mostPhrases?: number;
  /** Where the solved examples have it; without examples if undefined. */
  readonly solved?: keyof Omit<SolvedPassage, 'passage'>;
}

/** Generation settings of the paper: everything else is the server's own. */
const temperature = 0.8;
const tokensPerQuery = 50;
/** Fewer than 20 words. */
const mostWords = 19;
/** The paper cuts passages there. */
const passage = { name: 'passage', description: 'the passage to write for', maxCharacters: 2048 };

const shared =
  'What you write must be answered directly by the passage, must be clear to somebody who has not seen the ' +
  'passage, and must not copy long phrases from it.';

/** The kind with one query per request, in plain text, as in the paper. */
export function onePerRequest(kind: QueryKind): Prompt {
  return {
    ...common(kind),
    id: `c-${kind.type}`,
    title: kind.title,
    description: `One query per request, in plain text, as in arXiv 2502.19712${exampleNote(kind)}.`,
    system: `You write search queries for passages of text. For the passage that you are given you write ${kind.one}.`,
    user:
      `Read the passage and find its main idea. Then write ${kind.one} for it. ${kind.rules} ${shared} ` +
      `Reply with plain text only: a single line.\n\n` +
      (kind.solved === undefined ? '' : 'Examples:\n\n{{examples}}\n\n') +
      `Target Passage: {{passage}}\n${kind.name}:`,
    count: 1,
    reply: { form: 'line' },
    sampling: { temperature, maxTokens: tokensPerQuery },
  };
}

/** The kind with several queries per request, for models that answer one request at a time. */
export function severalPerRequest(kind: QueryKind): Prompt {
  const count = 4;
  return {
    ...common(kind),
    id: `c-${kind.type}-several`,
    title: `${kind.title}, several at a time`,
    description:
      'Several queries per request, as JSON: faster where a model answers one request at a time. After arXiv ' +
      `2502.19712${exampleNote(kind)}.`,
    system: `You write search queries for passages of text. For the passage that you are given you write ${kind.several}. You reply in JSON.`,
    user:
      `Read the passage and find its main ideas. Then write {{count}} ${kind.several} for it, each about something ` +
      `else that the passage says. ${kind.rules} ${shared}\n\n` +
      (kind.solved === undefined ? '' : 'Examples, with one each:\n\n{{examples}}\n\n') +
      'Reply with JSON only, with {{count}} entries: {"queries": [{"text": "…"}, …]}\n\n' +
      'Target Passage: {{passage}}',
    count,
    schema: listObject('queries', { text: text(200) }),
    reply: { form: 'object', items: 'queries' },
    sampling: { temperature, maxTokens: count * (tokensPerQuery + 10) },
  };
}

function common(kind: QueryKind): Pick<Prompt, 'version' | 'writes' | 'type' | 'slots' | 'checks'> & {
  readonly examples?: PromptExamples;
} {
  const { solved } = kind;
  return {
    version: 1,
    writes: 'queries',
    type: kind.type,
    slots: [passage],
    checks: {
      mostWords,
      mostOverlap: 0.8,
      leastItems: 1,
      ...(kind.mostPhrases !== undefined && { mostPhrases: kind.mostPhrases }),
    },
    ...(solved !== undefined && {
      examples: {
        count: 3,
        template: `Target Passage: {{passage}}\n${kind.name}: {{query}}`,
        pool: solvedPassages.map((example) => ({ passage: example.passage, query: example[solved] })),
      },
    }),
  };
}

function exampleNote({ solved }: QueryKind): string {
  return solved === undefined ? ' (without examples)' : ' (three examples, sampled for each passage)';
}
