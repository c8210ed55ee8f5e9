/** Model folders as other libraries open them, with the same weights once for the studio and once as ONNX. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformerOf } from '../../src/encoders/families/index.ts';
import { exportCrossEncoderOnnx, exportOnnx } from '../../src/encoders/onnx-export.ts';
import { readCrossEncoder, readEncoder } from '../../src/encoders/read-encoder.ts';
import { fromFloat32, writeSafetensors, type StoredTensor } from '../../src/formats/safetensors.ts';
import { elementCount } from '../../src/core/tensor-size.ts';
import { RandomStream } from '../../src/core/random.ts';
import { modelFolder, readJson, tinyModel } from './model-folder.ts';

export type Family = 'bert' | 'distilbert';

/** A tiny random encoder with its ONNX model. */
export async function encoderFolder(parent: string, family: Family): Promise<string> {
  const folder = copy(tinyModel(`tiny-${family}`), join(parent, `encoder-${family}`));
  writeOnnx(folder, exportOnnx(await readEncoder(modelFolder(folder))));
  return folder;
}

/** A tiny random cross-encoder with its ONNX model. */
export async function crossEncoderFolder(parent: string, family: Family, labels = 1): Promise<string> {
  const source = family === 'bert' && labels === 1 ? 'tiny-cross-encoder' : (`tiny-${family}` as const);
  const folder = copy(tinyModel(source), join(parent, `cross-encoder-${family}-${labels}`));
  if (source !== 'tiny-cross-encoder') await addHead(folder, labels);
  writeOnnx(folder, exportCrossEncoderOnnx(await readCrossEncoder(modelFolder(folder))));
  return folder;
}

/**
 * The same model under the name of an architecture that the studio has no graphs for. RoBERTa counts positions from 2
 * on, so that its table has two rows more than a text has tokens.
 */
export function asRoberta(folder: string): string {
  const renamed = copy(folder, `${folder}-as-roberta`);
  const config = readJson(join(renamed, 'config.json')) as {
    architectures: string[];
    max_position_embeddings: number;
  };
  writeJson(join(renamed, 'config.json'), {
    ...config,
    model_type: 'roberta',
    architectures: config.architectures.map((name) => name.replace(/^(Distil)?Bert/, 'Roberta')),
    max_position_embeddings: config.max_position_embeddings + 2,
  });
  return renamed;
}

async function addHead(folder: string, labels: number): Promise<void> {
  const { shape, weights } = await readEncoder(modelFolder(folder));
  const { name: prefix, className, classification } = transformerOf(shape);
  const random = new RandomStream(7, 'a classification head');
  const tensors = new Map<string, StoredTensor>();
  for (const [name, { dims, data }] of weights) tensors.set(`${prefix}.${name}`, fromFloat32(dims, data));
  for (const [name, dims] of classification.parameters(shape, labels)) {
    const data = Float32Array.from({ length: elementCount(dims) }, () => random.uniform() - 0.5);
    tensors.set(name, fromFloat32(dims, data));
  }
  writeFileSync(join(folder, 'model.safetensors'), writeSafetensors(tensors));
  const config = readJson(join(folder, 'config.json')) as object;
  writeJson(join(folder, 'config.json'), {
    ...config,
    architectures: [`${className}ForSequenceClassification`],
    id2label: Object.fromEntries(Array.from({ length: labels }, (_, i) => [i, `LABEL_${i}`])),
  });
}

function copy(from: string, to: string): string {
  cpSync(from, to, { recursive: true, filter: (path) => !path.includes('golden.') });
  return to;
}

function writeOnnx(folder: string, onnx: Uint8Array): void {
  mkdirSync(join(folder, 'onnx'), { recursive: true });
  writeFileSync(join(folder, 'onnx/model.onnx'), onnx);
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(path, JSON.stringify(value));
}
