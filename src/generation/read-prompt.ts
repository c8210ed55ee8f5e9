import * as v from 'valibot';
import type { Json } from '../core/json.ts';
import { InputError, messageOf } from '../core/errors.ts';
import type { JsonSchema } from '../host/generator.ts';
import { own } from '../core/own.ts';
import { reservedKeyPaths } from '../core/reserved-keys.ts';
import { placesIn } from './fill-prompt.ts';
import { listOf, type Prompt } from './prompt.ts';
import { ReplySchema } from './reply-schema.ts';
import { samplingSchema } from './sampling-setting-table.ts';

const MOST_SHOWN = 5;
const remedy = 'Fix the prompt; docs/generation.md describes its members';

const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const name = v.pipe(
  v.string(),
  v.regex(/^[a-z][a-z0-9_]*$/, 'must be a name of lower-case letters, digits and _'),
);
const some = v.pipe(v.string(), v.nonEmpty('is empty'));
const label = v.pipe(v.number(), v.finite());
const jsonObject = v.custom<JsonSchema>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'is not an object {…}',
);

const replySchema = v.variant('form', [
  v.strictObject({ form: v.literal('line') }),
  v.strictObject({
    form: v.literal('object'),
    items: v.exactOptional(some),
    text: v.exactOptional(some),
    label: v.exactOptional(some),
    type: v.exactOptional(some),
  }),
  v.strictObject({
    form: v.literal('members'),
    members: v.record(
      some,
      v.strictObject({ label: v.exactOptional(label), type: v.exactOptional(v.string()) }),
    ),
  }),
]);

const promptSchema = v.strictObject({
  id: v.pipe(
    v.string(),
    v.regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be an id of up to 64 lower-case letters, digits and hyphens'),
  ),
  version: count,
  title: v.exactOptional(v.string()),
  description: v.optional(v.string(), ''),
  writes: v.picklist(['queries', 'negatives', 'graded', 'labels']),
  type: v.exactOptional(some),
  slots: v.pipe(
    v.array(
      v.strictObject({
        name,
        description: v.optional(v.string(), 'its text'),
        maxCharacters: v.exactOptional(count),
      }),
    ),
    v.minLength(1, 'is empty; without a slot, all requests would be identical'),
  ),
  system: v.optional(v.string(), ''),
  user: some,
  count: v.optional(v.pipe(count, v.maxValue(100)), 1),
  schema: v.exactOptional(jsonObject),
  reply: v.optional(replySchema, { form: 'object' }),
  checks: v.exactOptional(
    v.strictObject({
      mostWords: v.exactOptional(count),
      mostCharacters: v.exactOptional(count),
      mostPhrases: v.exactOptional(count),
      mostOverlap: v.exactOptional(share),
      mostOverlapWith: v.exactOptional(v.strictObject({ slot: name, share })),
      leastItems: v.exactOptional(count),
    }),
  ),
  sampling: samplingSchema,
  examples: v.exactOptional(
    v.strictObject({
      count,
      template: some,
      pool: v.pipe(v.array(v.record(name, v.string())), v.minLength(1, 'is empty')),
    }),
  ),
});

/**
 * Reads the JSON of a prompt that a user wrote: a prompt as the studio's own are (prompt.ts), of which `title`,
 * `description`, `system`, `count` (1) and `reply` (`{"form": "object"}`) may be left out.
 *
 * @param file names it in errors
 * @throws InputError naming what is wrong, in one line
 */
export function parsePrompt(text: string, file: string): Prompt {
  let document: unknown;
  try {
    document = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new InputError(`is not valid JSON: ${messageOf(error)}`, { file, remedy, cause: error });
  }
  return readPrompt(document, file);
}

/** {@link parsePrompt} of what has been parsed already. */
export function readPrompt(document: unknown, file?: string): Prompt {
  // To valibot a list is an object, too.
  if (Array.isArray(document)) throw refusal(['is a list, not an object {…}'], file);
  const result = v.safeParse(promptSchema, document);
  if (!result.success) throw refusal(result.issues.map(describe), file);
  const prompt: Prompt = { title: result.output.id, ...result.output };
  const reserved = reservedKeyPaths(document).map((path) => `${path.join('.')}: this name is not allowed`);
  const faults = [...reserved, ...faultsOf(prompt)];
  if (faults.length > 0) throw refusal(faults, file);
  return prompt;
}

function refusal(faults: readonly string[], file: string | undefined): InputError {
  const more = faults.length > MOST_SHOWN ? [`and ${faults.length - MOST_SHOWN} more`] : [];
  return new InputError([...faults.slice(0, MOST_SHOWN), ...more].join('; '), { file, remedy });
}

function describe(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue) ?? 'the prompt';
  if (issue.type === 'strict_object' && issue.expected === 'never') return `${path}: unknown setting`;
  if (issue.kind === 'schema' && issue.received === 'undefined') return `${path}: is missing`;
  return `${path}: ${issue.message}`;
}

/** What is wrong with a prompt that has the right form. */
function faultsOf(prompt: Prompt): string[] {
  return [...placeFaults(prompt), ...schemaFaults(prompt)];
}

function placeFaults({ slots, system, user, examples, checks }: Prompt): string[] {
  const faults: string[] = [];
  const names = slots.map((slot) => slot.name);
  const places = new Set([...placesIn(system), ...placesIn(user)]);
  const builtIn = ['count', 'examples'];
  for (const slot of names.filter((one, i) => names.indexOf(one) < i)) {
    faults.push(`slots: "${slot}" occurs twice`);
  }
  for (const slot of names) {
    if (builtIn.includes(slot)) faults.push(`slots: "${slot}" is a reserved name`);
    else if (!places.has(slot)) faults.push(`user: does not use the slot {{${slot}}}`);
  }
  for (const [member, template] of Object.entries({ system, user })) {
    for (const place of placesIn(template)) {
      if (names.includes(place) || builtIn.includes(place)) continue;
      faults.push(
        `${member}${lineOf(template, place)}: {{${place}}} is not among the slots (${names.join(', ')})`,
      );
    }
  }
  if (places.has('examples') !== (examples !== undefined)) {
    faults.push(
      examples === undefined
        ? 'examples: is missing, but {{examples}} requires it'
        : 'user: does not use {{examples}}',
    );
  }
  for (const place of placesIn(examples?.template ?? '')) {
    const lacking = examples?.pool.findIndex((example) => !Object.hasOwn(example, place)) ?? -1;
    if (lacking !== -1) faults.push(`examples.pool[${lacking}]: lacks "${place}"`);
  }
  const compared = checks?.mostOverlapWith?.slot;
  if (compared !== undefined && !names.includes(compared)) {
    faults.push(`checks.mostOverlapWith.slot: "${compared}" is not among the slots`);
  }
  return faults;
}

/** Where a place is, in a template of several lines. */
function lineOf(template: string, place: string): string {
  const lines = template.split('\n');
  if (lines.length === 1) return '';
  return `, line ${1 + lines.findIndex((line) => placesIn(line).includes(place))}`;
}

function schemaFaults(prompt: Prompt): string[] {
  const { schema, reply, count } = prompt;
  if (reply.form === 'line') {
    return [
      ...(schema === undefined ? [] : ['schema: does not apply to a reply of the form "line"']),
      ...(count === 1 ? [] : ['count: must be 1 for a reply of the form "line"']),
    ];
  }
  if (schema === undefined) return ['schema: is missing; to do without one, set reply to {"form": "line"}'];
  try {
    new ReplySchema(schema).problemOf({});
  } catch (error) {
    return [`schema: is not a valid JSON Schema (${messageOf(error)})`];
  }
  const properties = membersOf(schema);
  if (reply.form === 'members') {
    const names = Object.keys(reply.members);
    return [
      ...names
        .filter((member) => own(properties, member) === undefined)
        .map((member) => `reply.members: the schema has no "${member}"`),
      ...(names.length === count ? [] : [`count: is ${count}, but reply.members has ${names.length}`]),
    ];
  }
  const list = listOf(prompt);
  if (list === undefined) {
    return count === 1 ? [] : ['reply.items: is missing; without a list, there can be only one item'];
  }
  const listed = own(properties, list) as { readonly type?: Json } | undefined;
  return listed?.type === 'array' ? [] : [`reply.items: the schema has no list "${list}"`];
}

function membersOf({ properties }: JsonSchema): Readonly<Record<string, Json>> {
  return typeof properties === 'object' && properties !== null && !Array.isArray(properties)
    ? (properties as Readonly<Record<string, Json>>)
    : {};
}
