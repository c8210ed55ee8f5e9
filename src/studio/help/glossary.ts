import { slugOf } from './slug.ts';

export interface GlossaryEntry {
  /** As the glossary writes it: `judgments (qrels)`. */
  readonly name: string;
  readonly definition: string;
  /** In the address `#help/glossary/SLUG`. */
  readonly slug: string;
}

/** The entries of docs/glossary.md: a line each, `- **term**: definition`. */
export function readGlossary(markdown: string): readonly GlossaryEntry[] {
  return [...markdown.matchAll(/^- \*\*(.+?)\*\*: (.+)$/gm)].map(([, name = '', definition = '']) => ({
    name,
    definition: definition.replaceAll('`', ''),
    slug: slugOf(name),
  }));
}

/** The entry of a term by its name, or by the other name in brackets. A measure's cutoff does not matter. */
export function findTerm(entries: readonly GlossaryEntry[], term: string): GlossaryEntry | undefined {
  const wanted = folded(term);
  return entries.find(({ name }) => {
    const [, first = name, other] = /^(.+?) \((.+)\)$/.exec(name) ?? [];
    return folded(first) === wanted || (other !== undefined && folded(other) === wanted);
  });
}

function folded(term: string): string {
  return term.toLowerCase().replace(/@\d+$/, '');
}

/** Measures that the glossary explains, as tables title them before the @. */
const explainedMeasures = ['nDCG', 'Recall', 'MAP', 'MRR', 'Success'];

/** The title of a measure as a term, where the glossary has it. */
export function measureTerm(title: string): string | undefined {
  return explainedMeasures.includes(title.replace(/@\d+$/, '')) ? title : undefined;
}
