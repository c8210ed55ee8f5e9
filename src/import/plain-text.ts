import { readLines } from '../corpus/lines.ts';
import { SectionBuilder } from './sections.ts';
import type { ByteSource } from '../core/source.ts';
import type { TextDocument } from './types.ts';

/** What one text of a plain text file is. */
export type TextUnit = 'line' | 'paragraph' | 'file';

/** The texts of a plain text file: its lines, its paragraphs (lines up to an empty one), or all of it. */
export async function* readPlainText(source: ByteSource, unit: TextUnit): AsyncGenerator<TextDocument> {
  let builder = new SectionBuilder(source.name);
  let start: number | undefined;
  const document = (line: number): TextDocument => {
    builder.close();
    const { sections } = builder;
    builder = new SectionBuilder(source.name);
    start = undefined;
    return { id: undefined, title: '', sections, line };
  };
  for await (const { text, number } of readLines(source)) {
    const isEmpty = text.trim() === '';
    if (isEmpty && unit === 'paragraph' && start !== undefined) yield document(start);
    if (isEmpty && unit !== 'file') continue;
    start ??= number;
    builder.add(`${text}\n`);
    if (unit === 'line') yield document(number);
  }
  if (start !== undefined) yield document(start);
}

/** A file with empty lines between its texts has paragraphs; otherwise each line is a text. */
export async function guessUnit(head: ByteSource): Promise<TextUnit> {
  let texts = 0;
  let gaps = 0;
  let isGap = false;
  for await (const { text } of readLines(head)) {
    if (text.trim() === '') {
      isGap = texts > 0;
      continue;
    }
    texts++;
    if (isGap) gaps++;
    isGap = false;
  }
  return gaps > 0 ? 'paragraph' : 'line';
}
