import * as v from 'valibot';
import { inRange } from '../../host/range-schema.ts';
import { settingRanges } from '../../host/setting-ranges.ts';
import { described, fileEntries, text } from './parts.ts';

/** The language models that write. */
export const generatorSchema = v.variant('kind', [
  v.strictObject({
    kind: v.literal('http'),
    address: described(text, 'Base address of an OpenAI-compatible server, as in http://127.0.0.1:8000/v1.'),
    model: described(text, 'As the server names it.'),
    parallel: described(
      v.optional(inRange(settingRanges.parallelRequests)),
      'Requests at the same time. Default: 4.',
    ),
  }),
  v.strictObject({ kind: v.literal('webllm'), model: described(text, 'A model id of WebLLM.') }),
  v.strictObject({
    kind: v.literal('wllama'),
    model: described(text, 'The address of a GGUF file, or ORG/NAME/FILE of a hub.'),
  }),
  v.strictObject({
    kind: v.literal('recorded'),
    corpusFile: described(
      fileEntries.corpusFile,
      'A log in the corpus folder. Without a log, what is recorded is named by each source.',
    ),
    file: fileEntries.file,
    model: described(v.optional(text), 'Whose replies are taken, where the log holds several.'),
  }),
]);

export type RecipeGenerator = v.InferOutput<typeof generatorSchema>;
/** The generators of a recipe, by name. */
export type GeneratorsByName = Readonly<Record<string, RecipeGenerator>>;
