import { inlineMarkdown, markdownParagraph } from '../core/other-text.ts';
import { numberText } from '../core/setting-ranges.ts';
import { unlimitedLength } from './types.ts';

/** Content of an exported model's README.md that is not in the model itself. */
export interface ModelCardInfo {
  readonly title: string;
  /** The base model, as ORG/NAME. A local folder is not named. */
  readonly baseModel: string | undefined;
  /** The training data, in a sentence or two. */
  readonly trainingData: string;
  /** The loss with its settings, e.g. `infonce(temperature=0.05)`. */
  readonly loss: string;
  readonly hyperparameters: Readonly<Record<string, string | number | boolean>>;
  readonly metrics: readonly ModelCardMetric[];
}

export interface ModelCardMetric {
  readonly dataset: string;
  readonly metric: string;
  /** Value of the untrained model, if it was measured. */
  readonly before?: number | undefined;
  readonly after: number;
}

/** Content of the card about the model itself. */
export interface ModelCardModel {
  readonly license: string | undefined;
  readonly dimensions: number;
  readonly pooling: string;
  readonly similarity: 'cosine' | 'dot';
  readonly queryPrefix: string;
  readonly passagePrefix: string;
  readonly queryMaxLength: number;
  readonly passageMaxLength: number;
}

/** The model card: the hub's YAML front matter, then Markdown. Texts given by users cannot break out of either. */
export function modelCard(info: ModelCardInfo, model: ModelCardModel): string {
  const baseModel = hubName(info.baseModel);
  const matter = [
    'library_name: sentence-transformers',
    'pipeline_tag: sentence-similarity',
    ...(model.license === undefined ? [] : [`license: ${yamlText(model.license)}`]),
    ...(baseModel === undefined ? [] : ['base_model:', `- ${yamlText(baseModel)}`]),
    'tags:',
    ...['sentence-transformers', 'sentence-similarity', 'feature-extraction', 'dense-retrieval'].map(
      (tag) => `- ${tag}`,
    ),
  ];
  const facts: [string, string][] = [
    ['Base model', baseModel === undefined ? 'not published' : inlineMarkdown(baseModel)],
    ['Dimensions', String(model.dimensions)],
    ['Pooling', model.pooling],
    ['Similarity', model.similarity],
    ['Maximum query length', lengthText(model.queryMaxLength)],
    ['Maximum passage length', lengthText(model.passageMaxLength)],
    ['Query prefix', quotedText(model.queryPrefix)],
    ['Passage prefix', quotedText(model.passagePrefix)],
  ];
  const settings = Object.entries(info.hyperparameters).map(([name, value]): [string, string] => [
    inlineMarkdown(name),
    inlineMarkdown(typeof value === 'number' ? numberText(value) : String(value)),
  ]);
  const measured = info.metrics.some(({ before }) => before !== undefined);
  const metrics = info.metrics.map(({ dataset, metric, before, after }) => [
    inlineMarkdown(dataset),
    inlineMarkdown(metric),
    ...(measured ? [before === undefined ? '' : before.toFixed(4)] : []),
    after.toFixed(4),
  ]);
  const sections = [
    `# ${inlineMarkdown(info.title)}`,
    'A dense retriever: it maps queries and passages to vectors and ranks passages by their similarity to the query. Trained with Retriever Studio.',
    table(['Property', 'Value'], facts),
    '## Usage',
    usage(model),
    '## Training',
    markdownParagraph(info.trainingData),
    `Loss: ${inlineMarkdown(info.loss)}`,
    ...(settings.length === 0 ? [] : [table(['Setting', 'Value'], settings)]),
    ...(metrics.length === 0
      ? []
      : ['## Evaluation', table(['Dataset', 'Measure', ...(measured ? ['Before'] : []), 'After'], metrics)]),
  ];
  return `---\n${matter.join('\n')}\n---\n\n${sections.join('\n\n')}\n`;
}

function usage(model: ModelCardModel): string {
  const scores = model.similarity === 'cosine' ? 'cosines' : 'dot products';
  return [
    '```python',
    'from sentence_transformers import SentenceTransformer',
    '',
    'model = SentenceTransformer("path/to/this/folder")',
    'queries = model.encode_query(["how do cells divide"])',
    'passages = model.encode_document(["Mitosis is the division of a nucleus."])',
    `print(model.similarity(queries, passages))  # ${scores}`,
    '```',
    '',
    '`encode_query` and `encode_document` prepend the prefixes. `onnx/model.onnx`, if present, gives the vectors of tokens (`last_hidden_state`); apply pooling and normalization to them.',
  ].join('\n');
}

/** The longest of models that have no positions is no limit. */
function lengthText(tokens: number): string {
  return tokens < unlimitedLength ? `${tokens} tokens` : 'no limit';
}

/** ORG/NAME without a revision; undefined for anything else, so that no path of the author's machine is published. */
function hubName(model: string | undefined): string | undefined {
  const name = model?.split('@')[0] ?? '';
  return /^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(name) ? name : undefined;
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

function quotedText(text: string): string {
  return text === '' ? 'none' : `“${inlineMarkdown(text)}”`;
}

/** A YAML scalar: plain where nothing in it could mean more, else quoted as JSON, which YAML reads alike. */
function yamlText(text: string): string {
  const plain = /^[a-z][\w./-]*$/i.test(text) && !/^(?:y|n|yes|no|on|off|true|false|null)$/i.test(text);
  return plain ? text : JSON.stringify(text).replace(/[\u007f-\uffff]/g, unicodeEscape);
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
