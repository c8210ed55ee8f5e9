/** Pages of docs/ as data: components draw it, and no HTML is made of it. */
import { lexer, type MarkedToken, type Token } from 'marked';
import { own } from '../../core/own.ts';
import { slugOf } from './slug.ts';

export type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'strong'; readonly children: readonly Inline[] }
  | { readonly kind: 'em'; readonly children: readonly Inline[] }
  | { readonly kind: 'link'; readonly href: string; readonly children: readonly Inline[] }
  | { readonly kind: 'break' };

export type Block =
  | { readonly kind: 'paragraph'; readonly children: readonly Inline[] }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'quote'; readonly blocks: readonly Block[] }
  | {
      readonly kind: 'list';
      /** The number of its first item; undefined for bullets. */
      readonly start: number | undefined;
      readonly items: readonly ListItem[];
    }
  | { readonly kind: 'table'; readonly header: readonly Cell[]; readonly rows: readonly (readonly Cell[])[] }
  | { readonly kind: 'rule' };

export interface ListItem {
  readonly blocks: readonly Block[];
  /** The anchor of the bold term that it begins with, where it does. */
  readonly term: string | undefined;
}

export interface Cell {
  readonly children: readonly Inline[];
  readonly isNumber: boolean;
}

/** A heading with what is below it, up to the next heading. */
export interface Section {
  readonly slug: string;
  readonly title: string;
  /** 1 for the title of the page. */
  readonly level: number;
  readonly blocks: readonly Block[];
}

/** A page by its headings. Pictures are left out; HTML is shown as text. */
export function readSections(markdown: string): readonly Section[] {
  const sections: (Omit<Section, 'blocks'> & { readonly blocks: Block[] })[] = [];
  const counts = new Map<string, number>();
  for (const token of lexer(markdown) as readonly MarkedToken[]) {
    if (token.type !== 'heading') {
      sections.at(-1)?.blocks.push(...blocksOf([token]));
      continue;
    }
    const title = textOf(inlinesOf(token.tokens));
    const slug = slugOf(title);
    const count = counts.get(slug) ?? 0;
    counts.set(slug, count + 1);
    sections.push({ slug: count === 0 ? slug : `${slug}-${count}`, title, level: token.depth, blocks: [] });
  }
  return sections;
}

/** The anchors of a page: its headings and the terms that its lists explain. */
export function anchorsOf(sections: readonly Section[]): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const { slug, blocks } of sections) {
    anchors.add(slug);
    for (const block of blocks) {
      if (block.kind !== 'list') continue;
      for (const { term } of block.items) if (term !== undefined) anchors.add(term);
    }
  }
  return anchors;
}

function blocksOf(tokens: readonly Token[]): Block[] {
  return (tokens as readonly MarkedToken[]).flatMap((token): Block[] => {
    switch (token.type) {
      case 'paragraph':
      case 'heading': {
        const children = inlinesOf(token.tokens);
        return children.length === 0 ? [] : [{ kind: 'paragraph', children }];
      }
      case 'text':
        return [{ kind: 'paragraph', children: inlinesOf(token.tokens ?? [token]) }];
      case 'code':
        return [{ kind: 'code', text: token.text }];
      case 'blockquote':
        return [{ kind: 'quote', blocks: blocksOf(token.tokens) }];
      case 'list': {
        const items = token.items.map(({ tokens: inside }) => {
          const blocks = blocksOf(inside);
          return { blocks, term: termOf(blocks[0]) };
        });
        return [{ kind: 'list', start: token.start === '' ? undefined : token.start, items }];
      }
      case 'table': {
        const cellOf = (cell: {
          readonly tokens: readonly Token[];
          readonly align: string | null;
        }): Cell => ({
          children: inlinesOf(cell.tokens),
          isNumber: cell.align === 'right',
        });
        return [
          { kind: 'table', header: token.header.map(cellOf), rows: token.rows.map((row) => row.map(cellOf)) },
        ];
      }
      case 'hr':
        return [{ kind: 'rule' }];
      case 'html':
        return [{ kind: 'paragraph', children: [{ kind: 'text', text: token.text }] }];
      default:
        return [];
    }
  });
}

function inlinesOf(tokens: readonly Token[]): Inline[] {
  return (tokens as readonly MarkedToken[]).flatMap((token): Inline[] => {
    switch (token.type) {
      case 'text':
        return token.tokens === undefined
          ? [{ kind: 'text', text: decoded(token.text) }]
          : inlinesOf(token.tokens);
      case 'escape':
      case 'html':
        return [{ kind: 'text', text: token.text }];
      case 'codespan':
        return [{ kind: 'code', text: token.text }];
      case 'strong':
      case 'em':
        return [{ kind: token.type, children: inlinesOf(token.tokens) }];
      case 'link':
        return [{ kind: 'link', href: token.href, children: inlinesOf(token.tokens) }];
      case 'del':
        return inlinesOf(token.tokens);
      case 'br':
        return [{ kind: 'break' }];
      default:
        return [];
    }
  });
}

/** The anchor of an item that begins `**term**: …`. */
function termOf(block: Block | undefined): string | undefined {
  if (block?.kind !== 'paragraph') return undefined;
  const [first, second] = block.children;
  const isTerm = first?.kind === 'strong' && second?.kind === 'text' && second.text.startsWith(':');
  return isTerm ? slugOf(textOf(first.children)) : undefined;
}

const entities: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&gt;': '>',
  '&lt;': '<',
  '&nbsp;': '\u00a0',
  '&quot;': '"',
};

function decoded(text: string): string {
  return text.replace(/&[a-z]+;/g, (entity) => own(entities, entity) ?? entity);
}

/** The words of inline parts, without marks. */
export function textOf(parts: readonly Inline[]): string {
  return parts
    .map((part) => {
      switch (part.kind) {
        case 'text':
        case 'code':
          return part.text;
        case 'break':
          return ' ';
        default:
          return textOf(part.children);
      }
    })
    .join('');
}

/** The words of blocks, for a search. */
export function wordsOf(blocks: readonly Block[]): string {
  return blocks
    .map((block): string => {
      switch (block.kind) {
        case 'paragraph':
          return textOf(block.children);
        case 'code':
          return block.text;
        case 'quote':
          return wordsOf(block.blocks);
        case 'list':
          return block.items.map((item) => wordsOf(item.blocks)).join(' ');
        case 'table':
          return [block.header, ...block.rows]
            .map((row) => row.map(({ children }) => textOf(children)).join(' '))
            .join(' ');
        case 'rule':
          return '';
      }
    })
    .join(' ');
}
