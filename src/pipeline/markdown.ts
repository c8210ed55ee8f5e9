/** Parts of reports in Markdown. */
import { inlineMarkdown, markdownParagraph } from '../core/other-text.ts';
import { own } from '../core/own.ts';

/** `ndcg_cut_10` as people write it. */
export function metricTitle(metric: string): string {
  const [, family = metric, cutoff] = /^(.+?)_(\d+)$/.exec(metric) ?? [];
  const names: Readonly<Record<string, string>> = {
    ndcg_cut: 'nDCG',
    ndcg: 'nDCG',
    recall: 'Recall',
    map: 'MAP',
    map_cut: 'MAP',
    recip_rank: 'MRR',
    success: 'Success',
  };
  const title = own(names, family) ?? family;
  return cutoff === undefined ? title : `${title}@${cutoff}`;
}

/**
 * A header and rows.
 * @param leftAligned how many columns hold words
 */
export function markdownTable(rows: readonly (readonly string[])[], leftAligned: number): string {
  const [header = [], ...body] = rows;
  const line = (cells: readonly string[]): string => `| ${cells.map(inlineMarkdown).join(' | ')} |`;
  const rule = `| ${header.map((_, i) => (i < leftAligned ? '---' : '---:')).join(' | ')} |`;
  return [line(header), rule, ...body.map(line)].join('\n');
}

/** A list of sentences, in which the names of others are text. */
export function markdownList(lines: readonly string[]): string {
  return lines.map((line) => `- ${markdownParagraph(line)}`).join('\n');
}

/** With its sign and four decimals. */
export function signed(value: number): string {
  return `${value >= 0 ? '+' : ''}${value.toFixed(4)}`;
}

/** A p-value. */
export function pText(p: number): string {
  return p < 0.0001 ? '<0.0001' : p.toFixed(4);
}
