/**
 * What the page and its generation worker say to each other. The page asks (each question has a number and gets one
 * answer), the worker tells of progress and gives signs of life meanwhile.
 */
import type { GenerationReply, GenerationRequest, GeneratorLoadProgress } from '../../generator.ts';
import type { SentError } from '../../worker-tasks.ts';
import type { AliveMessage } from '../worker-tasks.ts';
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
  /** Of prompt and reply together: fewer tokens take less memory. Default: what the model's record says. */
  readonly contextTokens?: number | undefined;
  /** Models that the list does not have, and mirrors of those that it has. */
  readonly records?: readonly WebllmRecord[] | undefined;
}

export type LocalModel = WllamaModel | WebllmModelChoice;

/** What a user knows a model by. */
export function nameOfModel({ model }: LocalModel): string {
  if (typeof model === 'string') return model;
  const [first] = model instanceof Blob ? [model] : model;
  return first instanceof File ? first.name : 'a dropped file';
}

/** A file of a GGUF model that the browser keeps. */
export interface CachedGguf {
  /** Tells it from others. */
  readonly key: string;
  /** Its own name, without folders. */
  readonly file: string;
  readonly bytes: number;
}

/** Every question with its answer. */
export interface GenerationCalls {
  /** One model in the life of a worker. */
  load: { readonly ask: { readonly model: LocalModel }; readonly answer: null };
  generate: { readonly ask: { readonly request: GenerationRequest }; readonly answer: GenerationReply };
  /** Lets go of the GPU in good order, before the worker is ended. */
  close: { readonly ask: object; readonly answer: null };
  /** WebLLM's own list. */
  records: { readonly ask: object; readonly answer: readonly WebllmRecord[] };
  /** Ids of WebLLM's models that are here whole. */
  cachedWebllm: {
    readonly ask: { readonly records: readonly WebllmRecord[] | undefined };
    readonly answer: readonly string[];
  };
  cachedGguf: { readonly ask: object; readonly answer: readonly CachedGguf[] };
  forgetGguf: { readonly ask: { readonly key: string }; readonly answer: null };
  /** Deletes everything that is kept of a model. */
  forget: { readonly ask: { readonly model: LocalModel }; readonly answer: null };
}

export type GenerationCall = keyof GenerationCalls;

/** A question: one of these for each call. */
export type GenerationQuestion = {
  readonly [Call in GenerationCall]: {
    readonly id: number;
    readonly call: Call;
    readonly ask: GenerationCalls[Call]['ask'];
  };
}[GenerationCall];

/** What the page posts. `stop` ends the reply that is being written, if it is that of the question. */
export type GenerationOrder = GenerationQuestion | { readonly call: 'stop'; readonly id: number };

/** What the worker posts. */
export type GenerationMessage =
  | AliveMessage
  | {
      readonly kind: 'answer';
      readonly id: number;
      readonly answer: GenerationCalls[GenerationCall]['answer'];
    }
  | { readonly kind: 'refusal'; readonly id: number; readonly error: SentError }
  | { readonly kind: 'progress'; readonly id: number; readonly progress: GeneratorLoadProgress }
  /** A token is written, or a part of a prompt read. */
  | { readonly kind: 'token'; readonly id: number };
