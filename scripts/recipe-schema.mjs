// @ts-check
/** `node scripts/recipe-schema.mjs` writes docs/recipe.schema.json from src/pipeline/schema.ts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { toJsonSchema } from '@valibot/to-json-schema';
import { format } from 'prettier';
import { buildIfStale } from './build.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * The text of the JSON Schema: of recipes as they are written, with what may be left out left out.
 * @param {Parameters<typeof toJsonSchema>[0]} schema
 */
export function recipeJsonSchema(schema) {
  const { $schema, ...rest } = toJsonSchema(schema, { typeMode: 'input', errorMode: 'ignore' });
  const document = { $schema, title: 'A recipe of Retriever Studio', ...rest };
  return format(JSON.stringify(document), { parser: 'json', printWidth: 110 });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!(await buildIfStale())) process.exit(1);
  const { recipeSchema } = await import(pathToFileURL(join(root, 'dist/src/pipeline/schema.js')).href);
  writeFileSync(join(root, 'docs/recipe.schema.json'), await recipeJsonSchema(recipeSchema));
}
