import type { ModelLibrary } from '../../encoders/model-library.ts';
import {
  firstLine,
  transformersJs,
  type RootedFolder,
  type TransformersJs,
} from '../../encoders/transformers-js.ts';
import type { ModelFiles, ModelFolder } from '../../host/contract.ts';
import { InputError } from '../../core/errors.ts';
import { loadWasmOrt, wasmSessionOptions } from '../../host/browser/runtime-wasm.ts';

export interface TransformersJsOptions {
  /** Awaited before each batch: holds a run that is paused. */
  readonly turn?: () => Promise<void>;
}

/**
 * transformers.js in this worker, over the page's model files. It comes with the page and is fetched when a model is
 * first opened. It computes in WASM, by the ONNX Runtime and with the threads that the studio's own graphs use there.
 */
export function openTransformersJs(files: ModelFiles, { turn }: TransformersJsOptions = {}): ModelLibrary {
  return transformersJs({
    load,
    open: async (model, onProgress) => rooted(await files.open(model, onProgress)),
    place: async (folder) => ({
      // None by name: the library knows no devices of an ONNX Runtime that it is given.
      device: 'auto',
      session_options: {
        ...wasmSessionOptions,
        ...((await folder.has(EXTERNAL_WEIGHTS)) && {
          externalData: [{ path: 'model.onnx_data', data: await folder.read(EXTERNAL_WEIGHTS) }],
        }),
      },
    }),
    turn,
  });
}

/** Weights apart from the graph. Not left to the library, which waits for ever where it can not read them. */
const EXTERNAL_WEIGHTS = 'onnx/model.onnx_data';

/** Where the library looks for an ONNX Runtime before it takes its own, whose WASM comes from a CDN. */
const ONNX_RUNTIME = Symbol.for('onnxruntime');

async function load(): Promise<TransformersJs> {
  Object.assign(globalThis, { [ONNX_RUNTIME]: await loadWasmOrt() });
  try {
    const library = await import('@huggingface/transformers');
    library.env.fetch = (address: string | URL) => readRooted(String(address));
    return library;
  } catch (cause) {
    throw new InputError(`transformers.js cannot be loaded: ${firstLine(cause)}`, {
      remedy:
        'Restore the connection to the server of this page (restart it if it has stopped), then try again',
      cause,
    });
  }
}

/** Folders by the root that the library knows them by. */
const folders = new Map<string, ModelFolder>();

function rooted(folder: ModelFolder): RootedFolder {
  const root = `/opened/${folders.size}`;
  folders.set(root, folder);
  return {
    name: folder.name,
    root,
    has: (path) => folder.has(path),
    read: (path) => folder.read(path),
  };
}

/** What the library takes of an answer. */
type Answer = Pick<Response, 'status' | 'headers' | 'arrayBuffer'>;

/** Answers the library as a server would, from our own files and nothing else. */
async function readRooted(address: string): Promise<Answer> {
  const [, root = '', path = ''] = /^(\/opened\/\d+)\/(.+)$/.exec(address) ?? [];
  const folder = folders.get(root);
  if (folder === undefined || !(await folder.has(path))) return new Response(null, { status: 404 });
  return {
    status: 200,
    headers: new Headers(),
    // Read only here: an error goes to who opened the model; one of the answer itself counts as a missing file.
    arrayBuffer: async () => new Response(await folder.read(path)).arrayBuffer(),
  };
}
