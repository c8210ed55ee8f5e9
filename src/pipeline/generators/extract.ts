import { ExtractGenerator } from '../../generation/extract-generator.ts';
import { defineGenerator } from '../generator.ts';

/** Queries from the passages themselves: the free baseline for written ones, and the way without a GPU or a server. */
export const extract = defineGenerator({
  kind: 'extract',
  title: 'Extract: clauses and keywords of the passages, without a model',
  about:
    'No model runs and nothing is sent: queries are clauses and keywords of the passages. Only for the prompts ' +
    'extract-clauses and extract-keywords.',
  settings: {},
  named: { prefix: 'extract' },
  describe: () => 'extracted from the passages, without a language model',
  open: () => Promise.resolve(new ExtractGenerator()),
});
