import { Zip, ZipDeflate, ZipPassThrough } from 'fflate';
import { exportOnnx } from '../../encoders/onnx-export.ts';
import type { ModelCardInfo } from '../../encoders/model-card.ts';
import type { EncoderFile, EncoderModel } from '../../encoders/types.ts';
import { encoderFiles } from '../../encoders/write-encoder.ts';

/** A model as a zip with one folder, which sentence-transformers and transformers.js open once it is unpacked. */
export function modelZip(folder: string, model: EncoderModel, card: ModelCardInfo): Uint8Array<ArrayBuffer> {
  const onnx = exportOnnx(model);
  return zipFiles(folder, encoderFiles(model, card, { onnx }));
}

function zipFiles(folder: string, files: readonly EncoderFile[]): Uint8Array<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const zip = new Zip((error, chunk) => {
    if (error) throw error;
    chunks.push(chunk);
    length += chunk.length;
  });
  for (const { path, content } of files) {
    const name = `${folder}/${path}`;
    // Weights are noise to deflate.
    const file = /\.(onnx|safetensors)$/.test(path)
      ? new ZipPassThrough(name)
      : new ZipDeflate(name, { level: 6 });
    zip.add(file);
    for (const part of content instanceof Uint8Array ? [content] : content) file.push(part);
    file.push(new Uint8Array(0), true);
  }
  zip.end();
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
