import { textKey } from '../corpus/text-key.ts';
import { printable } from '../core/shown.ts';
import { messageOf } from '../core/errors.ts';
import type { GenerationReply, JsonSchema } from '../host/generator.ts';
import { TokenSets, tokenJaccard } from '../retrieval/token-overlap.ts';
import type { SlotTexts } from './fill-prompt.ts';
import { listOf, type GeneratedItem, type Prompt } from './prompt.ts';
import { MOST_CHARACTERS, findJson, withoutThoughts } from './reply-json.ts';
import { ReplySchema } from './reply-schema.ts';
import { own } from '../core/own.ts';

/** What a reply comes to: items, and what was left out; or why it is rejected, in one line. */
export type ReadReply =
  | { readonly items: readonly GeneratedItem[]; readonly dropped: readonly string[] }
  | { readonly error: string; readonly dropped: readonly string[] };

/** Reads the replies to one prompt. */
export class ReplyReader {
  readonly #prompt: Prompt;
  readonly #schemas = new WeakMap<JsonSchema, ReplySchema>();

  constructor(prompt: Prompt) {
    this.#prompt = prompt;
  }

  /**
   * Never throws: whatever a model writes is items, or a reason.
   * @param schema of the request: the prompt's, with the number of items
   */
  read(
    { text, finish, problem }: Pick<GenerationReply, 'text' | 'finish' | 'problem'>,
    slots: SlotTexts,
    schema: JsonSchema | undefined,
  ): ReadReply {
    if (problem !== undefined) return { error: problem, dropped: [] };
    try {
      return this.#read(text.slice(0, MOST_CHARACTERS), finish, slots, schema);
    } catch (error) {
      return { error: `the reply cannot be read (${printable(messageOf(error))})`, dropped: [] };
    }
  }

  #read(
    text: string,
    finish: GenerationReply['finish'],
    slots: SlotTexts,
    schema: JsonSchema | undefined,
  ): ReadReply {
    const cut = finish === 'length' ? ' (it was truncated at the maximum length)' : '';
    const found = this.#prompt.reply.form === 'line' ? readLine(text, finish) : this.#readJson(text, schema);
    if ('error' in found) return { error: `${found.error}${cut}`, dropped: [] };
    return this.#check(found.items, slots);
  }

  #readJson(
    text: string,
    schema: JsonSchema | undefined,
  ): { readonly items: readonly GeneratedItem[] } | { readonly error: string } {
    const json = findJson(text);
    if (json === undefined) {
      if (withoutThoughts(text).trim() === '') return { error: 'the reply is empty' };
      return text.length < MOST_CHARACTERS
        ? { error: 'the reply contains no complete JSON object' }
        : { error: `the first ${MOST_CHARACTERS} characters of the reply contain no complete JSON object` };
    }
    // A model that is not held to the schema often gives the list without the object around it.
    const list = listOf(this.#prompt);
    const value = Array.isArray(json.value) && list !== undefined ? { [list]: json.value } : json.value;
    const problem = schema && this.#schemaOf(schema).problemOf(value);
    if (problem !== undefined) return { error: problem };
    const items = this.#itemsOf(value);
    // JSON has numbers that are too large for any computer, as 1e400.
    if (items.some(({ label = 0 }) => !Number.isFinite(label))) return { error: 'a label is not finite' };
    return { items };
  }

  #schemaOf(schema: JsonSchema): ReplySchema {
    const known = this.#schemas.get(schema) ?? new ReplySchema(schema);
    this.#schemas.set(schema, known);
    return known;
  }

  #itemsOf(value: unknown): readonly GeneratedItem[] {
    const { reply } = this.#prompt;
    switch (reply.form) {
      case 'line':
        return [];
      case 'members':
        return Object.entries(reply.members).map(([name, known]) => ({
          text: textOf(memberOf(value, name)),
          ...known,
        }));
      case 'object': {
        const { items, text = 'text', label = 'label', type = 'type' } = reply;
        const list = items === undefined ? [value] : memberOf(value, items);
        return (Array.isArray(list) ? list : []).map((item: unknown) => {
          const [labelled, kind] = [memberOf(item, label), memberOf(item, type)];
          return {
            text: textOf(memberOf(item, text)),
            ...(typeof labelled === 'number' && { label: labelled }),
            ...(typeof kind === 'string' && { type: kind }),
          };
        });
      }
    }
  }

  /** Leaves out the items that fail the prompt's checks, and rejects the reply where too few are left. */
  #check(items: readonly GeneratedItem[], slots: SlotTexts): ReadReply {
    const { checks = {}, count, writes } = this.#prompt;
    const words = new TokenSets();
    const kept: GeneratedItem[] = [];
    const dropped: string[] = [];
    for (const item of items) {
      const problem = writes === 'labels' ? undefined : this.#problemOf(item, kept, slots, words);
      if (problem === undefined) kept.push(item);
      else dropped.push(`${problem}: ${printable(item.text)}`);
    }
    const least = checks.leastItems ?? count;
    if (kept.length < least) {
      const first = dropped[0] === undefined ? '' : `: ${dropped[0]}`;
      return { error: `${kept.length} of ${count} items are valid${first}`, dropped };
    }
    return { items: kept, dropped };
  }

  #problemOf(
    { text }: GeneratedItem,
    before: readonly GeneratedItem[],
    slots: SlotTexts,
    words: TokenSets,
  ): string | undefined {
    const { mostWords, mostCharacters, mostPhrases, mostOverlap, mostOverlapWith } =
      this.#prompt.checks ?? {};
    const key = textKey(text);
    if (key === '') return 'empty';
    const copied = Object.entries(slots).find(([, slot]) => textKey(slot) === key)?.[0];
    if (copied !== undefined) return `a copy of the ${copied}`;
    if (mostCharacters !== undefined && text.length > mostCharacters) {
      return `${text.length} characters, more than ${mostCharacters}`;
    }
    const count = text.split(/\s+/u).length;
    if (mostWords !== undefined && count > mostWords) return `${count} words, more than ${mostWords}`;
    const phrases = text.split(',').length;
    if (mostPhrases !== undefined && phrases > mostPhrases) {
      return `${phrases} phrases, more than ${mostPhrases}`;
    }
    if (before.some((other) => textKey(other.text) === key)) return 'a duplicate of an earlier one';
    if (mostOverlap !== undefined) {
      const most = Math.max(0, ...before.map((other) => overlap(words, text, other.text)));
      if (most > mostOverlap) return `shares ${most.toFixed(2)} of its words with an earlier one`;
    }
    if (mostOverlapWith !== undefined) {
      const share = overlap(words, text, own(slots, mostOverlapWith.slot) ?? '');
      if (share > mostOverlapWith.share) {
        return `shares ${share.toFixed(2)} of its words with the ${mostOverlapWith.slot}`;
      }
    }
    return undefined;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.replace(/\s+/gu, ' ').trim() : '';
}

function overlap(words: TokenSets, left: string, right: string): number {
  return tokenJaccard(words.of(left), words.of(right));
}

function readLine(
  reply: string,
  finish: GenerationReply['finish'],
): { readonly items: readonly GeneratedItem[] } | { readonly error: string } {
  const text = withoutThoughts(reply).trimStart();
  const end = text.indexOf('\n');
  if (text === '') return { error: 'the reply is empty' };
  if (end === -1 && finish === 'length') return { error: 'the line is incomplete' };
  const line = (end === -1 ? text : text.slice(0, end)).replace(/\s+/gu, ' ').trim();
  const bare = /^"([^"]*)"$|^“([^“”]*)”$/u.exec(line);
  return { items: [{ text: (bare?.[1] ?? bare?.[2] ?? line).trim() }] };
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? own(value as Record<string, unknown>, key) : undefined;
}
