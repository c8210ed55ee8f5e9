/**
 * Opens an exported model folder with transformers.js and compares its vectors with ours.
 *
 *   node bench/peers/verify_export.mjs --model FOLDER --texts texts.jsonl --vectors ours.npy [--role query|passage]
 *
 * onnx/model.onnx gives the last hidden state; transformers.js pools and normalizes outside the graph, as
 * 1_Pooling/config.json and modules.json say. Prints one JSON object; exit code 1 where the least cosine is below
 * --least.
 *
 * Texts above the length limit are counted apart and fail nothing: transformers.js cuts them at the tokenizer's
 * model_max_length, not at max_seq_length of sentence_bert_config.json, and it cuts the final [SEP] off, so that no
 * export can make it agree with Sentence Transformers there.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { env, pipeline } from '@huggingface/transformers';
import { readNpy } from './npy.mjs';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    texts: { type: 'string' },
    vectors: { type: 'string' },
    field: { type: 'string', default: 'text' },
    limit: { type: 'string', default: '100' },
    role: { type: 'string' },
    least: { type: 'string', default: '0.9999' },
  },
});
if (!options.model || !options.texts || !options.vectors) {
  console.error(
    'usage: verify_export.mjs --model FOLDER --texts FILE --vectors F.npy [--role query|passage]',
  );
  process.exit(2);
}
const folder = resolve(options.model);

/** @returns {any} undefined where the folder has no such file */
function readJson(name) {
  const path = join(folder, name);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

function readTexts(path, field, limit) {
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, limit);
  return extname(path) === '.jsonl' ? lines.map((line) => JSON.parse(line)[field]) : lines;
}

/**
 * The prompt that Sentence Transformers puts before a text of this role. Its encode_document looks for `document`
 * alone: that one always exists, empty by default, so a prompt under `passage` is never used.
 */
function promptFor(role) {
  const settings = readJson('config_sentence_transformers.json');
  const name = { query: 'query', passage: 'document' }[role] ?? settings?.default_prompt_name;
  return settings?.prompts?.[name] ?? '';
}

env.allowRemoteModels = false;
env.localModelPath = dirname(folder);

const pooling = readJson('1_Pooling/config.json');
const cls = pooling?.pooling_mode_cls_token === true || pooling?.pooling_mode === 'cls';
const modules = readJson('modules.json');
const normalize = modules === undefined || modules.some(({ type }) => type.endsWith('Normalize'));
const prompt = promptFor(options.role);
const texts = readTexts(options.texts, options.field, Number(options.limit)).map((text) => prompt + text);
const ours = readNpy(options.vectors);

const tokenizerLimit = readJson('tokenizer_config.json')?.model_max_length ?? Infinity;
const encoderLimit = readJson('sentence_bert_config.json')?.max_seq_length ?? tokenizerLimit;
const limit = Math.min(tokenizerLimit, encoderLimit);

const extract = await pipeline('feature-extraction', basename(folder), { dtype: 'fp32', device: 'cpu' });
const whole = { texts: 0, minCosine: Infinity, worstText: -1, maxDifference: 0 };
const cut = { texts: 0, minCosine: Infinity, worstText: -1, maxDifference: 0 };
for (const [row, text] of texts.entries()) {
  const { data: theirs } = await extract(text, { pooling: cls ? 'cls' : 'mean', normalize });
  if (theirs.length !== ours.columns || row >= ours.rows) {
    console.error(
      `${options.vectors} holds [${ours.rows}, ${ours.columns}], needed [${texts.length}, ${theirs.length}]`,
    );
    process.exit(2);
  }
  const group = extract.tokenizer(text).input_ids.size > limit ? cut : whole;
  group.texts += 1;
  let [dot, ownSquare, theirSquare] = [0, 0, 0];
  for (const [i, their] of theirs.entries()) {
    const own = ours.data[row * ours.columns + i];
    dot += own * their;
    ownSquare += own * own;
    theirSquare += their * their;
    group.maxDifference = Math.max(group.maxDifference, Math.abs(own - their));
  }
  const cosine = dot / Math.sqrt(ownSquare * theirSquare);
  // Once not a number, always not a number.
  if (!(cosine >= group.minCosine) && !Number.isNaN(group.minCosine)) {
    [group.minCosine, group.worstText] = [cosine, row];
  }
}

console.log(
  JSON.stringify(
    {
      model: options.model,
      pooling: cls ? 'cls' : 'mean',
      normalize,
      prompt,
      dimension: ours.columns,
      limits: { tokenizer: tokenizerLimit, sentenceTransformers: encoderLimit },
      texts: texts.length,
      whole,
      ...(cut.texts > 0 ? { cut } : {}),
      transformersJs: env.version,
    },
    null,
    2,
  ),
);
process.exit(whole.texts > 0 && whole.minCosine >= Number(options.least) ? 0 : 1);
