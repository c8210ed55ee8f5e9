/** Meaning and remedies of WebLLM's errors, which can be distinguished only by name and wording. */
import { capitalized } from '../../../core/capitalized.ts';
import { InputError, messageOf, ResourceError } from '../../../core/errors.ts';
import { TransientGeneratorError } from '../../generator.ts';
import { deleteModel } from './engine.ts';

const otherKinds = 'choose a GGUF model, which needs no GPU, or a model on a server';

/** A load error in the words that the user sees. Statements about the model refer to the record with this id. */
export function explainWebllmLoad(error: unknown, id: string): Error {
  if (error instanceof InputError || error instanceof TransientGeneratorError) return error;
  const { name, message } = named(error);
  const input = (problem: string, remedy: string): InputError =>
    new InputError(problem, { file: id, remedy, cause: error });
  if (name === 'ModelNotFoundError') {
    return input('WebLLM has no such model', 'Choose one from its list, or use a custom record');
  }
  if (/WebGPUNot(Available|Found)Error/.test(name) || message.includes('compatible GPU')) {
    return input(
      'the browser offers no GPU for WebGPU',
      `Use a current Chrome or Edge with hardware acceleration turned on, or ${otherKinds}`,
    );
  }
  if (name === 'ShaderF16SupportError') {
    return input(
      'this GPU or browser does not support 16-bit arithmetic (shader-f16)',
      `Choose a model whose name says f32, or ${otherKinds}`,
    );
  }
  if (name === 'FeatureSupportError') {
    return input(firstSentence(message), `Choose another model, or ${otherKinds}`);
  }
  if (message.includes('exceeds limit')) {
    return input('the limits of this GPU are too low for WebLLM', capitalized(otherKinds));
  }
  if (isLostDevice(name, message)) {
    return new ResourceError(
      'the GPU was lost while the model was loading, usually because its memory is full',
      {
        file: id,
        remedy: 'Choose a smaller model or fewer context tokens, and close other tabs that use the GPU',
        cause: error,
      },
    );
  }
  if (name === 'IntegrityError') {
    const [, url = ''] = /failed for (\S+)/.exec(message) ?? [];
    const [, hash = ''] = /Actual: (\S+)/.exec(message) ?? [];
    return input(
      `${url} does not match the hash in the record; its hash is ${hash}`,
      'Re-run to download it again; if the problem persists, fix the record or the server',
    );
  }
  if (isNoProgram(message)) {
    return input(
      "the address of the model's compiled library returns something else",
      "Fix the record's model_lib: it must be the address of a .wasm file",
    );
  }
  if (isForeignLibrary(name, message)) {
    return input(
      `the model's compiled library does not match this version of WebLLM (${firstSentence(message)})`,
      "Set the record's model_lib to the address of a library compiled for WebLLM 0.2.86",
    );
  }
  if (name === 'SyntaxError' || name === 'ArtifactManifestError') {
    return input(
      `the server sent something other than the model's description (${firstSentence(message)})`,
      'Fix the addresses of the record and re-run; the invalid download was removed',
    );
  }
  if (name === 'UnsupportedTokenizerFilesError' || name === 'MissingModelError') {
    return input(firstSentence(message), 'Fix the record or its folder, or choose another model');
  }
  return input(
    `WebLLM could not load the model (${firstSentence(message)})`,
    `Re-run; if the problem persists, ${deleteModel}, or ${otherKinds}`,
  );
}

/** A reply error in the words that the user sees. A TransientGeneratorError means that the model is lost. */
export function explainWebllmReply(error: unknown, id: string): Error {
  if (error instanceof InputError || error instanceof TransientGeneratorError) return error;
  const { name, message } = named(error);
  if (name === 'ContextWindowSizeExceededError') {
    return new InputError(`the prompt is longer than the model's context (${message})`, {
      file: id,
      remedy: 'Use shorter passages or examples, or load the model with more context tokens',
      cause: error,
    });
  }
  if (/^(GrammarMatcherInitError|InvalidResponseFormat\w*)$/.test(name) || /grammar|schema/i.test(message)) {
    return new InputError(`WebLLM cannot enforce this schema (${firstSentence(message)})`, {
      file: id,
      remedy: 'Use a schema with plain types, enum, and length bounds',
      cause: error,
    });
  }
  if (/^(RangeError|SeedTypeError|MinValueError|NonNegativeError)$/.test(name)) {
    return new InputError(`WebLLM rejected a setting (${firstSentence(message)})`, {
      file: id,
      remedy: 'Set another temperature, top-p, seed or maximum reply length in the prompt',
      cause: error,
    });
  }
  const why =
    isLostDevice(name, message) || name.endsWith('NotLoadedError')
      ? 'the GPU was lost, usually because its memory is full'
      : firstSentence(message);
  return new TransientGeneratorError(`the language model failed (${why}) and is loaded again`, {
    cause: error,
  });
}

/** Whether what was downloaded is wrong, and would be so each time. */
export function isBadCache(error: unknown): boolean {
  const { name, message } = named(error);
  return /^(IntegrityError|SyntaxError|ArtifactManifestError)$/.test(name) || isNoProgram(message);
}

/** Whether a file could not be fetched: the browser's cache reports no details. */
export function isFailedFetch(error: unknown): boolean {
  const { name, message } = named(error);
  return name === 'TypeError' && /'add' on 'Cache'|Failed to fetch|NetworkError|Load failed/.test(message);
}

function named(error: unknown): { name: string; message: string } {
  return error instanceof Error || error instanceof DOMException
    ? { name: error.name, message: error.message }
    : { name: '', message: messageOf(error) };
}

function isLostDevice(name: string, message: string): boolean {
  return (
    name === 'DeviceLostError' ||
    /device (was|is) lost|DXGI_ERROR|OUT_OF_DEVICE_MEMORY|out of memory/i.test(message)
  );
}

/** A page of some server, where the program should be. */
function isNoProgram(message: string): boolean {
  return message.includes('expected magic word');
}

/** A program of another version, or for something else. */
function isForeignLibrary(name: string, message: string): boolean {
  return (
    name === 'LinkError' ||
    name === 'CompileError' ||
    /Cannot find global function|is not an? (function|object)|must be (a )?callable|requires a callable/.test(
      message,
    )
  );
}

function firstSentence(message: string): string {
  const [line = ''] = message.split('\n', 1);
  return (/^.*?[.!?](?=\s|$)/.exec(line)?.[0] ?? line).replace(/[.\s]+$/, '').slice(0, 200);
}
