import { jsonOf } from '../core/json.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { InputError } from '../core/errors.ts';
import type { ChatMessage, GenerationRequest, JsonSchema } from '../host/generator.ts';
import { RandomStream } from '../core/random.ts';
import { sha256 } from '../core/sha256.ts';
import { listOf, promptName, type Prompt, type PromptExamples, type PromptSlot } from './prompt.ts';
import { own } from '../core/own.ts';

/** The texts for a prompt's slots, by their names. */
export type SlotTexts = Readonly<Record<string, string>>;

export interface FilledPrompt {
  readonly messages: readonly ChatMessage[];
  readonly schema?: JsonSchema;
}

const PLACE = /\{\{\s*([a-z][a-z0-9_]*)\s*\}\}/g;

/** The names of the places in a template, each once. */
export function placesIn(template: string): readonly string[] {
  return [...new Set(Array.from(template.matchAll(PLACE), ([, name]) => name as string))];
}

/**
 * What a model is asked: the templates with the slots' texts in their places. A text is data: whatever it holds, also
 * what looks like a place, stands there as it is, but with its white space squeezed to single spaces and cut at its
 * slot's limit.
 *
 * @param seed draws the examples
 * @throws InputError naming a slot for which there is no text
 */
export function fillPrompt(prompt: Prompt, slots: SlotTexts, seed: number): FilledPrompt {
  const texts = new Map(prompt.slots.map((slot) => [slot.name, slotText(prompt, slot, slots)]));
  texts.set('count', String(prompt.count));
  if (prompt.examples) texts.set('examples', drawExamples(prompt.examples, seed));
  const messages: ChatMessage[] = [{ role: 'user', content: fill(prompt.user, texts) }];
  if (prompt.system !== '') messages.unshift({ role: 'system', content: fill(prompt.system, texts) });
  return prompt.schema ? { messages, schema: sizedSchema(prompt, prompt.schema) } : { messages };
}

/** In one pass, so that nothing that was put in is looked at again. */
function fill(template: string, texts: ReadonlyMap<string, string>): string {
  return template.replace(PLACE, (place, name: string) => texts.get(name) ?? place);
}

function slotText(
  prompt: Prompt,
  { name, description, maxCharacters }: PromptSlot,
  slots: SlotTexts,
): string {
  const text = own(slots, name)?.replace(/\s+/gu, ' ').trim() ?? '';
  if (text === '') {
    throw new InputError(`the prompt ${promptName(prompt)} has no text for its slot "${name}"`, {
      remedy: `Set it: ${description}`,
    });
  }
  return cut(text, maxCharacters);
}

/** At most so many UTF-16 units, without half a character at the end. */
function cut(text: string, most = Infinity): string {
  if (text.length <= most) return text;
  const last = text.charCodeAt(most - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? most - 1 : most);
}

function drawExamples({ count, template, pool }: PromptExamples, seed: number): string {
  return new RandomStream(seed, 'examples')
    .shuffle([...pool])
    .slice(0, count)
    .map((example) => fill(template, new Map(Object.entries(example))))
    .join('\n\n');
}

/** The schema with the length of its list of items. */
function sizedSchema(prompt: Prompt, schema: JsonSchema): JsonSchema {
  const name = listOf(prompt);
  const properties = schema.properties as Readonly<Record<string, JsonSchema>> | undefined;
  const list = own(properties, name);
  if (name === undefined || list === undefined) return schema;
  const sized = { ...list, minItems: prompt.count, maxItems: prompt.count };
  return { ...schema, properties: { ...properties, [name]: sized } };
}

/** The request of a filled prompt, named by all that decides the reply but the model. */
export async function makeRequest(
  prompt: Prompt,
  { messages, schema }: FilledPrompt,
  seed: number,
): Promise<GenerationRequest> {
  const { sampling } = prompt;
  const asked = { messages, sampling, seed, ...(schema && { schema }) };
  return { id: await sha256(canonicalJson(jsonOf(asked))), ...asked };
}
