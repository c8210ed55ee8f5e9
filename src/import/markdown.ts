import { readLines } from '../corpus/lines.ts';
import type { ByteSource } from '../core/source.ts';
import type { PageText } from './html.ts';
import { SectionBuilder } from './sections.ts';

/**
 * The text of a Markdown file. Headings start sections; front matter and comments are left out, and links and pictures
 * leave their text. Code stays as it is.
 */
export async function readMarkdown(source: ByteSource): Promise<PageText> {
  const builder = new SectionBuilder(source.name);
  let title = '';
  let isFrontMatter = false;
  let isComment = false;
  let fence = '';
  /** The line before, which a line of = or - below it turns into a heading. */
  let held: string | undefined;
  const release = (): void => {
    if (held !== undefined) builder.add(`${plainLine(held)}\n`);
    held = undefined;
  };
  const startSection = (level: number, text: string): void => {
    if (title === '') title = plainLine(text).trim();
    builder.heading(level, plainLine(text));
  };
  for await (const { text, number } of readLines(source)) {
    if (number === 1 && /^---\s*$/.test(text)) {
      isFrontMatter = true;
      continue;
    }
    if (isFrontMatter) {
      if (/^(---|\.\.\.)\s*$/.test(text)) isFrontMatter = false;
      const named = /^title:\s*(.{1,300})/.exec(text)?.[1];
      if (named !== undefined) title = named.trim().replace(/^(["'])(.*)\1$/, '$2');
      continue;
    }
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(text)?.[1];
    if (fence !== '') {
      if (mark?.startsWith(fence) === true) fence = '';
      else builder.add(`${text}\n`);
      continue;
    }
    if (isComment) {
      isComment = !text.includes('-->');
      continue;
    }
    if (/^\s*<!--/.test(text) && !text.includes('-->')) {
      release();
      isComment = true;
      continue;
    }
    if (mark !== undefined) {
      release();
      fence = mark;
      continue;
    }
    const heading = /^ {0,3}(#{1,6})\s+(.*)$/.exec(text);
    const underline = /^ {0,3}(=+|-{2,})\s*$/.exec(text)?.[1];
    if (heading !== null) {
      release();
      startSection(heading[1]?.length ?? 1, (heading[2] ?? '').replace(/\s#+\s*$/, ''));
    } else if (underline !== undefined && held !== undefined && held.trim() !== '') {
      const above = held;
      held = undefined;
      startSection(underline.startsWith('=') ? 1 : 2, above);
    } else {
      release();
      held = text;
    }
  }
  release();
  builder.close();
  return { title, sections: builder.sections };
}

/** Bounds keep the time linear in the line. */
const IMAGE_OR_LINK = /!?\[([^[\]\n]{0,300})\]\([^()\n]{0,500}\)/g;

function plainLine(line: string): string {
  return line
    .replace(IMAGE_OR_LINK, '$1')
    .replace(/<!--.{0,500}?-->/g, '')
    .replace(/(\*\*|__|`)(?=\S)/g, '')
    .replace(/(?<=\S)(\*\*|__|`)/g, '')
    .replace(/^ {0,3}>\s?/, '')
    .replace(/^( *)[-*+]\s+/, '$1');
}
