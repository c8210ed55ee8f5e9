import type { Command } from 'commander';
import { openEmbedder } from '../../encoders/open-embedder.ts';
import { configOf } from '../../encoders/config.ts';
import { bert } from '../../encoders/families/bert.ts';
import type { EncoderModel, EncoderShape } from '../../encoders/types.ts';
import { encoderFiles } from '../../encoders/write-encoder.ts';
import type { ModelFolder, Runtime, Store } from '../../host/contract.ts';
import { writeFolderAtomic } from '../../host/node/atomic-file.ts';
import { nodeClock } from '../../host/node/clock.ts';
import { sha256 } from '../../core/sha256.ts';
import { CheckpointStore } from '../../training/checkpoint.ts';
import { devCosine, distill } from '../../training/distillation/distill.ts';
import { principalComponents, project } from '../../training/distillation/principal-components.ts';
import { parseDistillationRecipe, type DistillationRecipe } from '../../training/distillation/recipe.ts';
import { studentWeights } from '../../training/distillation/student.ts';
import type { TrainingEvent } from '../../training/trainer.ts';
import { distillationData } from '../distillation-data.ts';
import { checkOutputFolder, openBaseEncoder } from '../experiment.ts';
import { openStore, readText } from '../input-files.ts';
import { Interruption } from '../interruption.ts';
import type { CliIo } from '../io.ts';
import { addComputeOptions, type ComputeOptions } from '../options.ts';
import { formatDuration, type Progress } from '../progress.ts';
import { packageVersion } from '../version.ts';

interface DistillOptions extends ComputeOptions {
  readonly teacher: string;
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
  const { texts, tokens } = await distillationData(recipe, options.data, teacher);
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
    const words = tokens.map((token) => token.replace(/^##/, ''));
    const vectors = await teacherVectors(teacher, [...texts, ...words], { runtime, store, io, interruption });
    if (vectors === undefined) {
      io.print('interrupted while embedding with the teacher; re-run the same command to resume');
      process.exitCode = interruption.exitCode;
      return;
    }
    const from = teacher.shape.hiddenSize;
    const to = recipe.student.hiddenSize;
    const ofTexts = vectors.subarray(0, texts.length * from);
    const components = principalComponents(ofTexts, from, to);
    const student = await makeStudent(
      recipe,
      tokens,
      project(vectors.subarray(ofTexts.length), components, from, to),
    );
    const result = await distill({
      runtime,
      encoder: student,
      recipe,
      targets: { texts, vectors: project(ofTexts, components, from, to) },
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
    const cosine = result.history.evaluations.find(({ step }) => step === result.bestStep)?.values[devCosine];
    await writeStudent(options, recipe, { ...student, weights: result.weights });
    io.printJson({ model: options.out, texts: texts.length, steps: result.steps, cosine: cosine ?? null });
    io.print(
      `${options.out}: after ${result.steps} steps, mean cosine ${cosine?.toFixed(4) ?? '?'} to the teacher on held-out texts`,
    );
  } finally {
    interruption.stopListening();
    progress?.stop();
    await runtime.close();
    await store.close();
  }
}

interface TeacherParts {
  readonly runtime: Runtime;
  readonly store: Store;
  readonly io: CliIo;
  readonly interruption: Interruption;
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
  { runtime, store, io, interruption }: TeacherParts,
): Promise<Float32Array<ArrayBuffer> | undefined> {
  const width = teacher.shape.hiddenSize;
  const embedder = await openEmbedder(runtime, teacher);
  const writer = await store.openWriter('teacher');
  const known = new Set(await store.keys('teacher'));
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
      const record = known.has(key) ? await store.get('teacher', key) : undefined;
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
    await embedder.close();
  }
}

/** The student before training: its vocabulary, its shape, and its tokens' vectors from the teacher. */
async function makeStudent(
  { name, seed, student, card }: DistillationRecipe,
  tokens: readonly string[],
  tokenVectors: Float32Array<ArrayBuffer>,
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
  const shape: EncoderShape = {
    family: bert.name,
    vocabSize: tokens.length,
    hiddenSize: student.hiddenSize,
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
    weights: studentWeights(shape, tokenVectors, seed),
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
    return `step ${event.step}: mean cosine ${event.values[devCosine]?.toFixed(4) ?? '?'} on held-out texts`;
  }
  if (event.kind === 'resumed') return `resuming from step ${event.step}: ${event.report.message}`;
  if (event.kind === 'smaller micro-batch') return `step ${event.step}: ${event.message}`;
  if (event.kind !== 'step' || event.step % 100 !== 0) return undefined;
  return `step ${event.step} of ${event.totalSteps}: loss ${event.loss.toFixed(4)}, ${event.tokensPerSecond.toFixed(0)} tokens/s, ${formatDuration(event.secondsLeft)} left`;
}

async function writeStudent(
  { out, force = false }: DistillOptions,
  { name, training, card }: DistillationRecipe,
  student: EncoderModel,
): Promise<void> {
  const { similarityWeight, similarityTemperature, ...settings } = training;
  const info = {
    title: name,
    baseModel: card.teacher,
    trainingData: card.trainingData,
    loss: `1 - cosine to the teacher's vector, projected to ${student.shape.hiddenSize} dimensions, + ${similarityWeight} × KL of the similarities in a batch at temperature ${similarityTemperature}`,
    hyperparameters: settings,
    metrics: card.metrics,
  };
  await writeFolderAtomic(out, encoderFiles(student, info, { weights: 'F16' }), { force });
}
