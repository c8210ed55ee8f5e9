import { join } from 'node:path';
import type { Command } from 'commander';
import type { Embedder } from '../../encoders/embedder.ts';
import { specialTokens } from '../../encoders/prune-vocabulary.ts';
import { tableFamilyOf } from '../../encoders/families/index.ts';
import { openEmbedder } from '../../encoders/open-embedder.ts';
import { configOf } from '../../encoders/config.ts';
import { bert } from '../../encoders/families/bert.ts';
import { rowsOf } from '../../encoders/token-table.ts';
import type { EncoderModel, EncoderShape, Weights } from '../../encoders/types.ts';
import { InputError } from '../../core/errors.ts';
import { quoted } from '../../core/shown.ts';
import { readTextVectors, type TextVectors } from '../../retrieval/text-vectors.ts';
import { encoderFiles } from '../../encoders/write-encoder.ts';
import type { ModelFolder, Runtime, Store } from '../../host/contract.ts';
import { writeFolderAtomic } from '../../host/node/atomic-file.ts';
import { nodeClock } from '../../host/node/clock.ts';
import { sha256 } from '../../core/sha256.ts';
import { CheckpointStore } from '../../training/checkpoint.ts';
import { devLoss, distill } from '../../training/distillation/distill.ts';
import { principalComponents, project } from '../../training/distillation/principal-components.ts';
import { parseDistillationRecipe, type DistillationRecipe } from '../../training/distillation/recipe.ts';
import { finishedWeights, startedWeights, studentWeights } from '../../training/distillation/student.ts';
import type { TrainingEvent } from '../../training/trainer.ts';
import { distillationData, tokensOf, type StudentOrigin } from '../distillation-data.ts';
import { checkOutputFolder, openBaseEncoder } from '../experiment.ts';
import { openFile, openStore, readText } from '../input-files.ts';
import { Interruption } from '../interruption.ts';
import type { CliIo } from '../io.ts';
import { addComputeOptions, type ComputeOptions } from '../options.ts';
import { formatDuration, type Progress } from '../progress.ts';
import { packageVersion } from '../version.ts';

interface DistillOptions extends ComputeOptions {
  readonly teacher: string;
  readonly teacherVectors?: string;
  readonly data: string;
  readonly out: string;
  readonly store?: string;
  readonly force?: boolean;
}

export function registerDistill(program: Command, io: CliIo): void {
  const command = program
    .command('distill')
    .description(
      'Distill a small encoder whose vectors match those of a large one. Re-run the same command to resume.',
    )
    .argument('<recipe>', 'Distillation recipe, such as tools/nano/nano.json')
    .requiredOption('--teacher <model>', 'Teacher encoder: a folder or ORG/NAME')
    .option(
      '--teacher-vectors <file>',
      'Vectors that the teacher has made (.safetensors, as embed --lists writes them); only other texts are embedded',
    )
    .requiredOption('--data <dir>', "Folder that contains the recipe's data files")
    .requiredOption('--out <dir>', 'Model folder to write')
    .option('--store <dir>', 'Folder for teacher vectors and checkpoints (default: OUT.distillation)')
    .option('--force', 'Replace an output folder even if it contains other files');
  addComputeOptions(command).action((recipe: string, options: DistillOptions) =>
    distillStudent(recipe, options, io),
  );
}

async function distillStudent(recipeFile: string, options: DistillOptions, io: CliIo): Promise<void> {
  const recipe = parseDistillationRecipe(await readText(recipeFile), recipeFile);
  await checkOutputFolder(options.out, options.force === true);
  const teacher = await openBaseEncoder(options.teacher, {}, io);
  const known =
    options.teacherVectors === undefined
      ? undefined
      : await readTextVectors(await openFile(options.teacherVectors));
  const origin = await openOrigin(recipe, options.data, io);
  const { texts, tokens } = await distillationData(recipe, options.data, teacher, origin);
  io.note(
    `${texts.length} texts; the student keeps ${tokens.length} of the teacher's ${teacher.shape.vocabSize} tokens`,
  );

  const { openRuntime } = await import('../../host/node/runtime.ts');
  const { device, threads } = options;
  const runtime = await openRuntime({ device, ...(threads !== undefined && { threads }) });
  const store = await openStore(options.store ?? `${options.out}.distillation`, io);
  const interruption = new Interruption(io);
  let progress: Progress | undefined;
  try {
    const words = origin.start === undefined ? tokens.map((token) => token.replace(/^##/, '')) : [];
    const parts = { runtime, store, io, interruption, known };
    const vectors = await teacherVectors(teacher, [...texts, ...words], parts);
    if (vectors === undefined) {
      io.print('interrupted while embedding with the teacher; re-run the same command to resume');
      process.exitCode = interruption.exitCode;
      return;
    }
    const ofTexts = vectors.subarray(0, texts.length * teacher.shape.hiddenSize);
    const narrow = narrowing(ofTexts, teacher.shape.hiddenSize);
    const shape = studentShape(recipe, tokens.length, widthOf(origin));
    const weights =
      origin.start === undefined
        ? studentWeights(shape, narrow(vectors.subarray(ofTexts.length), shape.hiddenSize), recipe.seed)
        : startedWeights(shape, rowsOfTokens(origin.start, tokens), recipe.seed);
    const student = await makeStudent(recipe, tokens, shape, weights);
    const targets = recipe.training.vectorWeight > 0 ? narrow(ofTexts, shape.hiddenSize) : ofTexts;
    const result = await distill({
      runtime,
      encoder: student,
      recipe,
      targets: { texts, vectors: targets },
      clock: nodeClock,
      version: packageVersion(),
      checkpoints: new CheckpointStore(await store.openWriter('training'), store),
      signal: interruption.signal,
      onEvent: (event) => {
        if (event.kind === 'step') {
          progress ??= io.progress('distilling', event.totalSteps, 'steps');
          progress.update(event.step);
        }
        const line = eventLine(event);
        if (line !== undefined) io.note(line);
      },
    });
    progress?.stop();
    if (result.endedBy === 'request') {
      io.print(`interrupted after step ${result.steps}; re-run the same command to resume`);
      process.exitCode = interruption.exitCode;
      return;
    }
    const loss = result.history.evaluations.find(({ step }) => step === result.bestStep)?.values[devLoss];
    const final =
      'start' in recipe.student
        ? finishedWeights(student.weights, result.weights, recipe.student.startShare)
        : result.weights;
    await writeStudent(options, recipe, { ...student, weights: final });
    io.printJson({ model: options.out, texts: texts.length, steps: result.steps, loss: loss ?? null });
    io.print(
      `${options.out}: after ${result.steps} steps, loss ${loss?.toFixed(4) ?? '?'} on held-out texts`,
    );
  } finally {
    interruption.stopListening();
    progress?.stop();
    await runtime.close();
    await store.close();
  }
}

/** The static encoder that a recipe starts from, or the sizes that it names. */
async function openOrigin({ student }: DistillationRecipe, data: string, io: CliIo): Promise<StudentOrigin> {
  if (!('start' in student)) return student;
  const folder = join(data, student.start);
  const start = await openBaseEncoder(folder, {}, io);
  if (tableFamilyOf(start.shape) !== undefined) return { start };
  throw new InputError('has a transformer, but a student starts from token vectors', {
    file: folder,
    remedy: 'Use a static encoder as student.start',
  });
}

function widthOf(origin: StudentOrigin): number {
  return origin.start === undefined ? origin.hiddenSize : origin.start.shape.hiddenSize;
}

/** Vectors projected to fewer dimensions: the principal components of the texts, computed once. */
function narrowing(
  ofTexts: Float32Array<ArrayBuffer>,
  from: number,
): (vectors: Float32Array, to: number) => Float32Array<ArrayBuffer> {
  let components: Float64Array | undefined;
  return (vectors, to) => {
    components ??= principalComponents(ofTexts, from, to);
    return project(vectors, components, from, to);
  };
}

/**
 * A static encoder's rows in the order of the tokens; zeros for tokens that it lacks, and for special tokens, which
 * it never puts into a text.
 */
function rowsOfTokens(start: EncoderModel, tokens: readonly string[]): Float32Array<ArrayBuffer> {
  const width = start.shape.hiddenSize;
  const ids = new Map(tokensOf(start).map((token, id) => [token, id] as const));
  const all = rowsOf(start);
  const rows = new Float32Array(tokens.length * width);
  tokens.forEach((token, row) => {
    const id = ids.get(token);
    if (id !== undefined && !specialTokens.includes(token))
      rows.set(all.subarray(id * width, (id + 1) * width), row * width);
  });
  return rows;
}

interface TeacherParts {
  readonly runtime: Runtime;
  readonly store: Store;
  readonly io: CliIo;
  readonly interruption: Interruption;
  /** Vectors that need not be computed. */
  readonly known: TextVectors | undefined;
}

/** Embedded and stored together, so that what was done before an end is not done again. */
const textsAtOnce = 2048;

/**
 * The teacher's vectors, those known to the store taken from there.
 * @returns [texts, dimension], or undefined if the user ended it
 */
async function teacherVectors(
  teacher: EncoderModel,
  texts: readonly string[],
  { runtime, store, io, interruption, known }: TeacherParts,
): Promise<Float32Array<ArrayBuffer> | undefined> {
  const width = teacher.shape.hiddenSize;
  const vectors = new Float32Array(texts.length * width);
  const rows = await known?.findRows(texts, 'passage');
  const missing = Array.from(texts.keys()).filter((text) => (rows?.[text] ?? -1) === -1);
  const embedder = await openEmbedder(runtime, teacher);
  try {
    if (known !== undefined && rows !== undefined) {
      if (known.dimension !== width) throw notOfTeacher(known, `have ${known.dimension} dimensions`);
      const all = known.vectorsOf('passage');
      rows.forEach((row, text) => {
        if (row !== -1) vectors.set(all.subarray(row * width, (row + 1) * width), text * width);
      });
      await checkVectors(embedder, texts, vectors, rows, known);
      io.note(
        `${texts.length - missing.length} of ${texts.length} teacher vectors are those of ${known.name}`,
      );
    }
    const embedded = await storedVectors(
      embedder,
      teacher,
      missing.map((text) => texts[text] as string),
      {
        store,
        io,
        interruption,
      },
    );
    if (embedded === undefined) return undefined;
    missing.forEach((text, row) => {
      vectors.set(embedded.subarray(row * width, (row + 1) * width), text * width);
    });
    return vectors;
  } finally {
    await embedder.close();
  }
}

/** How many known vectors are compared with those of the teacher, and from which cosine they are its own. */
const compared = 16;
const sameCosine = 0.99;

/** @throws InputError if the known vectors are not those of the teacher, as its own of some texts show */
async function checkVectors(
  embedder: Embedder,
  texts: readonly string[],
  vectors: Float32Array,
  rows: Int32Array,
  known: TextVectors,
): Promise<void> {
  const found = Array.from(texts.keys()).filter((text) => rows[text] !== -1);
  const sample = found.filter((_, at) => at % Math.ceil(found.length / compared) === 0);
  const own = await embedder.embed(
    sample.map((text) => texts[text] as string),
    'passage',
  );
  const width = known.dimension;
  sample.forEach((text, row) => {
    let cosine = 0;
    for (let x = 0; x < width; x++) {
      cosine += (own[row * width + x] as number) * (vectors[text * width + x] as number);
    }
    if (cosine >= sameCosine) return;
    throw notOfTeacher(
      known,
      `are not those of the teacher: that of ${quoted(texts[text] as string)} has a cosine of ${cosine.toFixed(2)} to the teacher's own`,
    );
  });
}

function notOfTeacher(known: TextVectors, problem: string): InputError {
  return new InputError(`the vectors ${problem}`, {
    file: known.name,
    remedy: 'Use vectors of this teacher, or leave --teacher-vectors out',
  });
}

async function storedVectors(
  embedder: Embedder,
  teacher: EncoderModel,
  texts: readonly string[],
  { store, io, interruption }: Pick<TeacherParts, 'store' | 'io' | 'interruption'>,
): Promise<Float32Array<ArrayBuffer> | undefined> {
  const width = teacher.shape.hiddenSize;
  const writer = await store.openWriter('teacher');
  const stored = new Set(await store.keys('teacher'));
  const teacherHash = await sha256(
    JSON.stringify(
      await Promise.all([...teacher.weights].map(async ([name, { data }]) => [name, await sha256(data)])),
    ),
  );
  const vectors = new Float32Array(texts.length * width);
  const progress = io.progress('embedding with the teacher', texts.length, 'texts');
  try {
    for (let start = 0; start < texts.length; start += textsAtOnce) {
      if (interruption.signal.aborted) return undefined;
      const chunk = texts.slice(start, start + textsAtOnce);
      const key = await sha256(JSON.stringify([teacherHash, chunk]));
      const record = stored.has(key) ? await store.get('teacher', key) : undefined;
      const reference = record?.blobs[0];
      if (reference === undefined) {
        const embedded = await embedder.embed(chunk, 'passage');
        const blob = await store.writeBlob(new Uint8Array(embedded.buffer));
        await writer.commit({ put: { [key]: { value: null, blobs: [blob] } } });
        vectors.set(embedded, start * width);
      } else {
        vectors.set(new Float32Array((await store.readBlob(reference)).slice().buffer), start * width);
      }
      progress.update(start + chunk.length);
    }
    return vectors;
  } finally {
    progress.stop();
  }
}

function studentShape({ student }: DistillationRecipe, vocabSize: number, hiddenSize: number): EncoderShape {
  return {
    family: bert.name,
    vocabSize,
    hiddenSize,
    layers: student.layers,
    heads: student.heads,
    intermediateSize: student.intermediateSize,
    maxPositions: student.maxLength,
    segments: 2,
    layerNormEpsilon: 1e-12,
    activation: 'gelu',
    hiddenDropout: 0.1,
    attentionDropout: 0.1,
  };
}

/** The student before training. */
async function makeStudent(
  { name, student, card }: DistillationRecipe,
  tokens: readonly string[],
  shape: EncoderShape,
  weights: Weights,
): Promise<EncoderModel> {
  const vocabulary = new TextEncoder().encode(`${tokens.join('\n')}\n`);
  const settings = {
    tokenizer_class: bert.tokenizer.className,
    do_lower_case: true,
    model_max_length: student.maxLength,
    pad_token: '[PAD]',
    unk_token: '[UNK]',
    cls_token: '[CLS]',
    sep_token: '[SEP]',
    mask_token: '[MASK]',
  };
  const bytes = (value: unknown): Uint8Array<ArrayBuffer> => new TextEncoder().encode(JSON.stringify(value));
  const files = new Map([
    ['tokenizer.json', bytes(bert.tokenizer.fromVocabulary(vocabulary, settings, 'vocab.txt'))],
    ['tokenizer_config.json', bytes(settings)],
  ]);
  const folder: ModelFolder = {
    name,
    has: (path) => Promise.resolve(files.has(path)),
    read: (path) => {
      const file = files.get(path);
      return file === undefined ? Promise.reject(new Error(`${path} does not exist`)) : Promise.resolve(file);
    },
  };
  return {
    name,
    shape,
    encoding: {
      pooling: 'mean',
      normalize: true,
      queryPrefix: '',
      passagePrefix: '',
      queryMaxLength: student.maxLength,
      passageMaxLength: student.maxLength,
    },
    weights,
    tokenizer: await bert.tokenizer.read(folder, { lowerCase: true }),
    baggage: {
      config: { ...configOf(shape), pad_token_id: 0, torch_dtype: 'float32' },
      files,
      license: card.license,
    },
  };
}

function eventLine(event: TrainingEvent): string | undefined {
  if (event.kind === 'evaluation') {
    return `step ${event.step}: loss ${event.values[devLoss]?.toFixed(4) ?? '?'} on held-out texts`;
  }
  if (event.kind === 'resumed') return `resuming from step ${event.step}: ${event.report.message}`;
  if (event.kind === 'smaller micro-batch') return `step ${event.step}: ${event.message}`;
  if (event.kind !== 'step' || event.step % 100 !== 0) return undefined;
  return `step ${event.step} of ${event.totalSteps}: loss ${event.loss.toFixed(4)}, ${event.tokensPerSecond.toFixed(0)} tokens/s, ${formatDuration(event.secondsLeft)} left`;
}

async function writeStudent(
  { out, force = false }: DistillOptions,
  { name, training, card, student: stored }: DistillationRecipe,
  student: EncoderModel,
): Promise<void> {
  const { vectorWeight, similarityWeight, similarityTemperature, ...settings } = training;
  const similarity = `KL of the similarities in a batch at temperature ${similarityTemperature}`;
  const ofVectors = `1 - cosine to the teacher's vector, projected to ${student.shape.hiddenSize} dimensions`;
  const info = {
    title: name,
    baseModel: card.teacher,
    trainingData: card.trainingData,
    loss: [
      ...(vectorWeight > 0 ? [weighted(vectorWeight, ofVectors)] : []),
      ...(similarityWeight > 0 ? [weighted(similarityWeight, similarity)] : []),
    ].join(', + '),
    hyperparameters: { ...settings, ...('startShare' in stored && { startShare: stored.startShare }) },
    metrics: card.metrics,
  };
  await writeFolderAtomic(out, encoderFiles(student, info, { weights: stored.weights }), { force });
}

function weighted(weight: number, term: string): string {
  return weight === 1 ? term : `${weight} × ${term}`;
}
