/**
 * Prompts as data: what is asked, in which form the answer comes, and what makes an answer fit. One that changes gets
 * a higher version, so that what earlier versions wrote stays known for what it is.
 */
import type { JsonSchema, SamplingSettings } from '../host/generator.ts';
import type { Chosen } from '../core/setting.ts';
import type { writingSettingTable } from './writing-setting-table.ts';

/** A place in the templates, written `{{name}}`. */
export interface PromptSlot {
  readonly name: string;
  /** For the user: what is to be given. */
  readonly description: string;
  /** A longer text is cut there. Default: not cut. */
  readonly maxCharacters?: number;
}

/** What is drawn at random for each request: solved cases to show the model, or a style to write in. */
export interface PromptExamples {
  /** The place of the drawn examples in the user's template is `{{examples}}`. */
  readonly count: number;
  /** Of one example, with the names of its members as slots. Examples are joined by an empty line. */
  readonly template: string;
  readonly pool: readonly Readonly<Record<string, string>>[];
}

/** How a reply becomes items. */
export type ReplyForm =
  /** The first line that is not empty, without quotation marks around it: one item. */
  | { readonly form: 'line' }
  /** JSON that fits the schema: one item, or those in the list that `items` names. */
  | {
      readonly form: 'object';
      readonly items?: string;
      /** The members of an item. Default: `text`, `label`, `type`. */
      readonly text?: string;
      readonly label?: string;
      readonly type?: string;
    }
  /** JSON that fits the schema: an object whose members are the items' texts; what each is follows from its name. */
  | {
      readonly form: 'members';
      readonly members: Readonly<Record<string, { readonly label?: number; readonly type?: string }>>;
    };

/** What is asked of items beyond the schema. Items that fail are left out of the reply. */
export interface ItemChecks {
  readonly mostWords?: number;
  readonly mostCharacters?: number;
  /** The largest share of words (Jaccard) that an item may have in common with one before it. */
  readonly mostOverlap?: number;
  /** The largest share of words (Jaccard) that an item may have in common with the text in a slot. */
  readonly mostOverlapWith?: { readonly slot: string; readonly share: number };
  /** Parts between commas. */
  readonly mostPhrases?: number;
  /** A reply with fewer items left is rejected. Default: all that were asked for. */
  readonly leastItems?: number;
}

export interface Prompt {
  /** Lower-case letters, digits, hyphens. */
  readonly id: string;
  /** From 1. */
  readonly version: number;
  readonly title: string;
  readonly description: string;
  /** What the items are, which decides what can be made of them (training-data.ts). */
  readonly writes: 'queries' | 'negatives' | 'graded' | 'labels';
  readonly slots: readonly PromptSlot[];
  readonly system: string;
  readonly user: string;
  /** What kind of texts it writes, where it writes one kind: a type of query. */
  readonly type?: string;
  /** Items in one reply; `{{count}}` in the templates, and the length of the list in the schema. */
  readonly count: number;
  /** Only with a reply in JSON. Label before text, every string and list bounded. */
  readonly schema?: JsonSchema;
  readonly reply: ReplyForm;
  readonly checks?: ItemChecks;
  /** `maxTokens` is for a whole reply of `count` items. */
  readonly sampling: SamplingSettings;
  readonly examples?: PromptExamples;
}

/** What a language model wrote, or how it judged what it was shown. */
export interface GeneratedItem {
  /** Empty where the item is a label alone. */
  readonly text: string;
  /** Graded relevance. */
  readonly label?: number;
  /** The kind of query, or of failure, where a prompt asks for several kinds. */
  readonly type?: string;
}

/** A prompt's name with its version, as it stands in logs and training lists: `query-questions@1`. */
export function promptName({ id, version }: Pick<Prompt, 'id' | 'version'>): string {
  return `${id}@${version}`;
}

/** The member of a reply whose list holds the items; undefined where the number of items is fixed. */
export function listOf({ reply }: Pick<Prompt, 'reply'>): string | undefined {
  return reply.form === 'object' ? reply.items : undefined;
}

/** What may be chosen in place of what a prompt says. */
export type PromptChoices = Omit<Chosen<typeof writingSettingTable>, 'seed'>;

/** The same prompt, asked as was chosen. */
export function withChosen(prompt: Prompt, { count, sampling }: PromptChoices): Prompt {
  const counted = count === undefined ? prompt : withCount(prompt, count);
  if (sampling === undefined) return counted;
  const maxTokens = sampling.maxTokens ?? counted.sampling.maxTokens;
  return { ...counted, sampling: { ...counted.sampling, ...sampling, maxTokens } };
}

/** The same prompt asking for another number of items, with tokens in proportion. */
export function withCount(prompt: Prompt, count: number): Prompt {
  if (listOf(prompt) === undefined || count === prompt.count) return prompt;
  const maxTokens = Math.ceil((prompt.sampling.maxTokens * count) / prompt.count);
  return { ...prompt, count, sampling: { ...prompt.sampling, maxTokens } };
}
