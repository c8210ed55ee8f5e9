/**
 * Prompts as data: what is asked, in which form the answer comes, and what makes an answer fit. One that changes gets
 * a higher version, so that what earlier versions wrote stays known for what it is.
 */
import type { JsonSchema, SamplingSettings } from '../host/generator.ts';

/** A place in the templates, written `{{name}}`. */
export interface PromptSlot {
  readonly name: string;
  /** For the user: what is to be given. */
  readonly description: string;
  /** A longer text is cut there. Default: not cut. */
  readonly maxCharacters?: number;
}

/** Solved cases to show the model; some are drawn at random for each request. */
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
  | {
      /** JSON that fits the schema. */
      readonly form: 'json';
      /** The member whose list holds the items. Default: the object itself is the one item. */
      readonly items?: string;
      /** The members of an item. Default: `text`, `label`, `type`. */
      readonly text?: string;
      readonly label?: string;
      readonly type?: string;
    };

/** What is asked of items beyond the schema. Items that fail are left out of the reply. */
export interface ItemChecks {
  readonly mostWords?: number;
  readonly mostCharacters?: number;
  /** The largest share of words (Jaccard) that an item may have in common with one before it. */
  readonly mostOverlap?: number;
  /** The largest share of words (Jaccard) that an item may have in common with the text in a slot. */
  readonly mostOverlapWith?: { readonly slot: string; readonly share: number };
  /** Each of these labels has to occur once among the items. */
  readonly labels?: readonly number[];
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

/** The same prompt asking for another number of items, with tokens in proportion. */
export function withCount(prompt: Prompt, count: number): Prompt {
  if (prompt.reply.form === 'line' || prompt.reply.items === undefined || count === prompt.count)
    return prompt;
  const maxTokens = Math.ceil((prompt.sampling.maxTokens * count) / prompt.count);
  return { ...prompt, count, sampling: { ...prompt.sampling, maxTokens } };
}
