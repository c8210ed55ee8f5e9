/** Parts of reports in Markdown. */
import { inlineMarkdown, markdownParagraph } from '../core/other-text.ts';

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
