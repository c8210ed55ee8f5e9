/** Requests of the page to its generation worker. */
import type { GenerationReply, GenerationRequest, GeneratorLoadProgress } from '../../generator.ts';
import type { WebllmRecord } from './webllm-models.ts';

/** A GGUF file for llama.cpp. */
export interface WllamaModel {
  readonly kind: 'wllama';
  /**
   * `ORG/NAME/file.gguf` or `ORG/NAME@REVISION/file.gguf` on the hub, an address, or the file itself (all of them,
   * where it is split; of a split model that is named, the first).
   */
  readonly model: string | Blob | readonly Blob[];
  /** Tokens of prompt and reply together. Default 4096. */
  readonly contextTokens?: number | undefined;
  /** `auto`, the default, takes a GPU where WebGPU offers a real one. */
  readonly device?: 'auto' | 'cpu' | undefined;
  /** Default https://huggingface.co/. */
  readonly hub?: string | undefined;
}

/** A model of WebLLM. */
export interface WebllmModelChoice {
  readonly kind: 'webllm';
  /** An id of its list, or of the records given. */
  readonly model: string;
  /** Of prompt and reply together: fewer tokens take less memory. Default: from the model's record. */
  readonly contextTokens?: number | undefined;
  /** Models that the list does not have, and mirrors of those that it has. */
  readonly records?: readonly WebllmRecord[] | undefined;
}

export type LocalModel = WllamaModel | WebllmModelChoice;

/** The user's name for a model. */
export function nameOfModel({ model }: LocalModel): string {
  if (typeof model === 'string') return model;
  const [first] = model instanceof Blob ? [model] : model;
  return first instanceof File ? first.name : 'a dropped file';
}

/** A GGUF file, or a model of WebLLM, that the browser keeps, whole or in part. */
export interface KeptModel {
  /** Tells it from others: of WebLLM, the address of its folder. */
  readonly id: string;
  /** Its own, without folders. */
  readonly name: string;
  readonly bytes: number;
}

/** Every request with its answer. */
export interface GenerationCalls {
  /** One model in the life of a worker. */
  load: {
    readonly ask: { readonly model: LocalModel };
    readonly answer: null;
    readonly progress: GeneratorLoadProgress;
  };
  generate: {
    readonly ask: { readonly request: GenerationRequest };
    readonly answer: GenerationReply;
    /** A token is written, or a part of a prompt read. */
    readonly progress: null;
  };
  /** Lets go of the GPU in good order, before the worker is ended. */
  close: { readonly ask: object; readonly answer: null };
  /** WebLLM's own list. */
  records: { readonly ask: object; readonly answer: readonly WebllmRecord[] };
  /** Ids of WebLLM's models that are here whole. */
  cachedWebllm: {
    readonly ask: { readonly records: readonly WebllmRecord[] | undefined };
    readonly answer: readonly string[];
  };
  /** Deletes everything that is kept of the model whose files lie there. */
  forgetWebllm: { readonly ask: { readonly folder: string }; readonly answer: null };
}

export type GenerationCall = keyof GenerationCalls;
