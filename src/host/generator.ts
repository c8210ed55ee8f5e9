/** A language model behind one interface, wherever it runs, as supplied by a host. */
import type { Json } from '../core/json.ts';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** A JSON Schema, as a JSON object. */
export type JsonSchema = Readonly<Record<string, Json>>;

/** Sampling settings. Unset ones use the model's own defaults. */
export interface SamplingSettings {
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  /** The most tokens of a reply. */
  readonly maxTokens: number;
  readonly stop?: readonly string[] | undefined;
}

export interface GenerationRequest {
  /**
   * Names the request by what it asks, without the model that answers: equal messages, schema, settings and seed have
   * equal ids. Recorded replies are found by it.
   */
  readonly id: string;
  readonly messages: readonly ChatMessage[];
  /** The schema of the reply. A generator that cannot enforce it ignores it: every reply is validated. */
  readonly schema?: JsonSchema;
  readonly sampling: SamplingSettings;
  readonly seed: number;
}

export interface GenerationReply {
  readonly text: string;
  /** `length`: cut off at the token limit. */
  readonly finish: 'stop' | 'length';
  /** Why the reply is unusable regardless of its text, if the generator knows. */
  readonly problem?: string;
  readonly promptTokens?: number;
  readonly completionTokens?: number;
  /** Time of the model, without time in the queue. */
  readonly seconds: number;
}

/** Whether something can be a number of tokens: servers report fractions, -1 and 1e400, too. */
export function isTokenCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

export interface GeneratorLoadProgress {
  readonly phase: 'download' | 'read' | 'compile' | 'check';
  /** From 0 to 1 within the phase; undefined if unknown. */
  readonly share?: number;
  readonly receivedBytes?: number;
  readonly totalBytes?: number;
  /** Progress of the phase. */
  readonly secondsLeft?: number;
}

export interface GeneratorDescription {
  /** As recipes and logs call it. */
  readonly kind: string;
  /** As the user named it: a model id, an address, a file. */
  readonly model: string;
  /** Whether it replays what a model wrote earlier: said wherever its texts are shown. */
  readonly recorded: boolean;
  /** Whether it holds the model to a schema while it writes. */
  readonly constrains: boolean;
  /** Requests that it answers at the same time. */
  readonly parallel: number;
}

/**
 * Writes text. Models that hold a device (WebLLM, wllama) answer one request at a time and are unloaded before a
 * training begins.
 */
export interface Generator {
  readonly description: GeneratorDescription;
  /** Makes the model ready. Loading twice is loading once. */
  load(options?: {
    readonly onProgress?: (progress: GeneratorLoadProgress) => void;
    readonly signal?: AbortSignal;
  }): Promise<void>;
  /**
   * @throws TransientGeneratorError where asking again later may help; InputError where the user has to do something;
   * the signal's reason when it was aborted.
   */
  generate(request: GenerationRequest, signal?: AbortSignal): Promise<GenerationReply>;
  /** Frees what the model holds. It may be loaded again. */
  unload(): Promise<void>;
}

/** A reply that failed for a reason that may pass: a busy server, a broken connection, a lost worker. */
export class TransientGeneratorError extends Error {
  override readonly name = 'TransientGeneratorError';
  /** The wait that the server requested, if any. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    message: string,
    options: { readonly retryAfterSeconds?: number; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}
