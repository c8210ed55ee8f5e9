import { isJsonObject } from '../formats/json-file.ts';
import type { ModelLibrary } from '../encoders/model-library.ts';
import { firstLine, transformersJs, type TransformersJs } from '../encoders/transformers-js.ts';
import { InputError } from '../core/errors.ts';
import type { DiskModelFiles } from '../host/node/model-files.ts';

/** The version that the studio is tested with. */
const VERSION = '4.3.1';

/**
 * transformers.js in Node, over the files on this machine's disk. It is no dependency: only who names a model for it
 * needs it installed.
 * @param load imports the library
 */
export function openTransformersJs(
  files: DiskModelFiles,
  load: () => Promise<TransformersJs> = () => import('@huggingface/transformers'),
): ModelLibrary {
  return transformersJs({
    load: () => load().catch(explain),
    open: (model, onProgress) => files.open(model, onProgress),
    place: async (folder, { device, threads }) => ({
      device,
      use_external_data_format: await folder.has('onnx/model.onnx_data'),
      ...(threads !== undefined && { session_options: { intraOpNumThreads: threads } }),
    }),
  });
}

function explain(cause: unknown): never {
  const isMissing = isJsonObject(cause) && cause.code === 'ERR_MODULE_NOT_FOUND';
  throw new InputError(
    isMissing ? 'transformers.js is not installed' : `transformers.js cannot be loaded: ${firstLine(cause)}`,
    { remedy: `Run \`npm install @huggingface/transformers@${VERSION}\` and re-run`, cause },
  );
}
