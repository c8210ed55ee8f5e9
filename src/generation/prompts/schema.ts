import type { Json } from '../../core/json.ts';
import type { JsonSchema } from '../../host/generator.ts';

/** A text of so many characters, UTF-16 units. */
export function text(maxLength: number): JsonSchema {
  return { type: 'string', minLength: 1, maxLength };
}

/** An object with these members and no others, in this order: a model held to the schema writes them in it. */
export function object(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  } satisfies Record<string, Json>;
}

/** An object whose one member is a list of such objects. How many follows from the prompt's count. */
export function listObject(name: string, members: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return object({ [name]: { type: 'array', minItems: 1, maxItems: 32, items: object(members) } });
}
