/** The small models of test/golden with their weights once more as ONNX, as transformers.js opens them. */
import { exportCrossEncoderOnnx, exportOnnx } from '../../../src/encoders/onnx-export.ts';
import { readCrossEncoder, readEncoder } from '../../../src/encoders/read-encoder.ts';
import { openFiles, type ListedFile } from '../../../src/studio/dropped-files.ts';
import { modelFolderOf } from '../../../src/host/browser/model-files.ts';
import type { ModelFolder } from '../../../src/host/contract.ts';

export type TinyModel = 'tiny-bert' | 'tiny-distilbert' | 'tiny-cross-encoder';

/** A model's files by path. */
export type LibraryFiles = Map<string, Uint8Array<ArrayBuffer>>;

export async function libraryFiles(model: TinyModel): Promise<LibraryFiles> {
  const names = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json', 'vocab.txt'];
  if (model === 'tiny-bert') names.push('modules.json', '1_Pooling/config.json', 'sentence_bert_config.json');
  const files: LibraryFiles = new Map();
  for (const name of names) {
    const response = await fetch(`/test/golden/encoders/${model}/${name}`);
    if (!response.ok) throw new Error(`${name}: ${response.status}`);
    files.set(name, new Uint8Array(await response.arrayBuffer()));
  }
  files.set('onnx/model.onnx', await onnxOf(folderOf(files), model));
  return files;
}

async function onnxOf(folder: ModelFolder, model: TinyModel): Promise<Uint8Array<ArrayBuffer>> {
  if (model === 'tiny-cross-encoder') return exportCrossEncoderOnnx(await readCrossEncoder(folder));
  return exportOnnx(await readEncoder(folder));
}

/** As they lie in a folder that is dropped on the page. */
export function listed(files: LibraryFiles, name = 'model'): ListedFile[] {
  return [...files].map(([path, bytes]) => ({ path: `${name}/${path}`, file: new File([bytes], path) }));
}

export function folderOf(files: LibraryFiles): ModelFolder {
  return modelFolderOf(openFiles(listed(files)));
}

/** The same model under the name of an architecture that the studio has no graphs for. */
export function asRoberta(files: LibraryFiles): LibraryFiles {
  const config = JSON.parse(new TextDecoder().decode(files.get('config.json'))) as {
    architectures: string[];
    max_position_embeddings: number;
  };
  const renamed = {
    ...config,
    model_type: 'roberta',
    architectures: config.architectures.map((name) => name.replace(/^(Distil)?Bert/, 'Roberta')),
    // RoBERTa counts positions from 2 on: its table has two rows more than a text has tokens.
    max_position_embeddings: config.max_position_embeddings + 2,
  };
  return new Map(files).set('config.json', new TextEncoder().encode(JSON.stringify(renamed)));
}
