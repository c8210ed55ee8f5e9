import { InputError } from '../../core/errors.ts';
import {
  TransientGeneratorError,
  type ChatMessage,
  type Generator,
  type GenerationReply,
  type GenerationRequest,
  type GeneratorDescription,
  type JsonSchema,
} from '../generator.ts';
import { nearestName } from '../../core/nearest-name.ts';
import { sleep } from '../../core/waiting.ts';
import { exchange } from './http-answer.ts';
import { keyMask } from './key-mask.ts';
import { openAiSettingTable } from './openai-setting-table.ts';
import { ServerAnswer } from './server-answer.ts';
import { baseAddress, unreachable } from './server-address.ts';

/** The settings of {@link openAiSettingTable}, and what a host adds. */
export interface OpenAiOptions {
  readonly address: string;
  readonly model: string;
  readonly parallel?: number | undefined;
  readonly deadlineSeconds?: number | undefined;
  /** Sent only to that address and disclosed to nobody else. */
  readonly key?: string | undefined;
  /** The origin of the page where this runs in one: its browser asks the server for leave. */
  readonly pageOrigin?: string | undefined;
  readonly fetch?: typeof fetch;
}

type LoadOptions = NonNullable<Parameters<Generator['load']>[0]>;

/** How long a server that is still starting is waited for between two questions. */
const startingPauseSeconds = 1;
const mostPauseSeconds = 30;

/**
 * A language model behind an OpenAI-compatible address: vLLM, llama.cpp's server, Ollama, LM Studio.
 *
 * @throws InputError where the address or the key cannot be one.
 */
export function openAiGenerator(options: OpenAiOptions): Generator {
  return new OpenAiGenerator(options);
}

/**
 * The models of a server, as it calls them.
 * @throws InputError where the server, its path or the key is not what it should be
 */
export function serverModels(
  options: Omit<OpenAiOptions, 'model' | 'parallel'>,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  return new OpenAiGenerator({ ...options, model: '' }).models(signal === undefined ? {} : { signal });
}

class OpenAiGenerator implements Generator {
  readonly #base: string;
  readonly #model: string;
  readonly #key: string | undefined;
  readonly #hideKey: (text: string) => string;
  readonly #parallel: number;
  readonly #deadlineSeconds: number;
  readonly #pageOrigin: string | undefined;
  readonly #fetch: typeof fetch;
  /** Cleared when the server reports that it cannot. */
  #constrains = true;
  #loading: Promise<void> | undefined;

  constructor({ address, model, key, parallel, deadlineSeconds, pageOrigin, fetch: send }: OpenAiOptions) {
    this.#base = baseAddress(address, pageOrigin);
    this.#model = model;
    this.#key = checkKey(key);
    this.#hideKey = keyMask(this.#key);
    this.#parallel = parallel ?? openAiSettingTable.parallel.default;
    this.#deadlineSeconds = deadlineSeconds ?? openAiSettingTable.deadlineSeconds.default;
    this.#pageOrigin = pageOrigin;
    this.#fetch = send ?? ((...request) => fetch(...request));
  }

  get description(): GeneratorDescription {
    return {
      kind: 'http',
      model: this.#model,
      recorded: false,
      constrains: this.#constrains,
      parallel: this.#parallel,
    };
  }

  /**
   * Asks for the server's models.
   * @throws InputError where the server, its path, the key or the model is not what it should be.
   */
  async load(options: Parameters<Generator['load']>[0] = {}): Promise<void> {
    this.#loading ??= this.#check(options).catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  unload(): Promise<void> {
    this.#loading = undefined;
    return Promise.resolve();
  }

  async generate(request: GenerationRequest, signal?: AbortSignal): Promise<GenerationReply> {
    const constrained = this.#constrains && request.schema !== undefined;
    const startedAt = performance.now();
    const answer = await this.#send('chat/completions', signal, this.#body(request, constrained));
    const problem = answer.problem();
    if (constrained && problem !== undefined && refusesSchema(answer.status, problem)) {
      this.#constrains = false;
      return this.generate(request, signal);
    }
    if (problem !== undefined) throw this.#failure(answer, problem);
    return answer.reply((performance.now() - startedAt) / 1000);
  }

  #body({ messages, schema, sampling, seed }: GenerationRequest, constrained: boolean): string {
    const { temperature, topP, topK, maxTokens, stop } = sampling;
    return JSON.stringify({
      model: this.#model,
      messages: schema === undefined || constrained ? messages : withSchema(messages, schema),
      ...(constrained && {
        response_format: { type: 'json_schema', json_schema: { name: 'reply', strict: true, schema } },
      }),
      temperature,
      top_p: topP,
      top_k: topK,
      max_tokens: maxTokens,
      stop,
      seed,
      stream: false,
    });
  }

  async #check(options: LoadOptions): Promise<void> {
    const models = await this.models(options);
    // Ollama lists the tag that it takes where none is named.
    if (!models.includes(this.#model) && !models.includes(`${this.#model}:latest`)) {
      throw this.#unknownModel(models);
    }
  }

  /** @throws InputError */
  async models({ onProgress, signal }: LoadOptions): Promise<readonly string[]> {
    onProgress?.({ phase: 'check' });
    const givenUpAt = performance.now() + this.#deadlineSeconds * 1000;
    let answer = await this.#askModels(signal);
    // llama.cpp's server answers 503 while it reads the model.
    while (answer.status === 503 && performance.now() < givenUpAt) {
      onProgress?.({ phase: 'check' });
      const seconds = Math.min(mostPauseSeconds, answer.retryAfterSeconds ?? startingPauseSeconds);
      await sleep(Math.min(seconds, (givenUpAt - performance.now()) / 1000), signal);
      answer = await this.#askModels(signal);
    }
    const problem = answer.problem();
    if (problem !== undefined) throw this.#refusal(answer, problem);
    const models = answer.models();
    if (models === undefined) throw this.#wrongPath('this is not an OpenAI-compatible address');
    return models;
  }

  async #askModels(signal: AbortSignal | undefined): Promise<ServerAnswer> {
    try {
      return await this.#send('models', signal);
    } catch (error) {
      if (!(error instanceof TransientGeneratorError)) throw error;
      throw unreachable(this.#base, this.#pageOrigin, error.message);
    }
  }

  async #send(path: string, signal: AbortSignal | undefined, body?: string): Promise<ServerAnswer> {
    const headers = {
      accept: 'application/json',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(this.#key !== undefined && { authorization: `Bearer ${this.#key}` }),
    };
    const init = body === undefined ? { headers } : { method: 'POST', headers, body };
    const [fetch, deadlineSeconds] = [this.#fetch, this.#deadlineSeconds];
    try {
      const answer = await exchange(`${this.#base}/${path}`, init, { fetch, deadlineSeconds, signal });
      return new ServerAnswer(answer, this.#hideKey);
    } catch (error) {
      if (!(error instanceof TransientGeneratorError)) throw error;
      // Without its cause, which may repeat the key.
      throw new TransientGeneratorError(this.#hideKey(error.message));
    }
  }

  /** @returns what a request that went wrong throws. */
  #failure(answer: ServerAnswer, problem: string): Error {
    const { status, retryAfterSeconds } = answer;
    if (status === 408 || status === 425 || status === 429 || status >= 500) {
      return new TransientGeneratorError(
        problem,
        retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
      );
    }
    return this.#refusal(answer, problem);
  }

  #refusal({ status, redirects }: ServerAnswer, problem: string): InputError {
    if (redirects) return this.#refused(problem, 'Use the address that it redirects to');
    if (status === 401 || status === 403) {
      return this.#key === undefined
        ? this.#refused(`${problem} to a request without a key`, "Pass this server's API key")
        : this.#refused(`${problem}: it rejected the API key`, 'Use a valid key with access to this model');
    }
    if (status === 404 && /model/i.test(problem)) {
      return this.#refused(problem, 'Fix the model name, or use a model that the server has');
    }
    if (status === 404 || status === 405) return this.#wrongPath(problem);
    if (status === 429 || status >= 500)
      return this.#refused(problem, "Re-run later; the server's log has the cause");
    return this.#refused(
      problem,
      "Use shorter texts if the prompt is too long for the model; the server's log has the cause",
    );
  }

  #wrongPath(problem: string): InputError {
    return this.#refused(problem, 'Use the base address, which usually ends in /v1');
  }

  #unknownModel(models: readonly string[]): InputError {
    if (models.length === 0)
      return this.#refused('it has no model loaded', 'Re-run after loading a model into the server');
    const nearest = nearestName(this.#model, models);
    const some = models.slice(0, 8).join(', ') + (models.length > 8 ? ', …' : '');
    return this.#refused(
      `it has no model "${this.#model}"`,
      nearest === undefined ? `Use one that it has: ${some}` : `Did you mean "${nearest}"? It has ${some}`,
    );
  }

  #refused(problem: string, remedy: string): InputError {
    return new InputError(this.#hideKey(problem), { file: this.#base, remedy: this.#hideKey(remedy) });
  }
}

/** @throws InputError, which does not repeat it, for what no header can carry. */
function checkKey(key: string | undefined): string | undefined {
  if (key === undefined || key === '') return undefined;
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new InputError('the API key contains spaces, line breaks or invalid characters', {
    remedy: 'Use the key alone, as issued by the server',
  });
}

/** Whether a server reports that it cannot constrain its model to a schema, or not to this one. */
function refusesSchema(status: number, problem: string): boolean {
  const mayBeIt = status === 400 || status === 422 || status === 500 || status === 501;
  return mayBeIt && /response_format|json_schema|json schema|grammar|guided|structured output/i.test(problem);
}

/** Describes in words the constraint that a server cannot enforce. */
function withSchema(messages: readonly ChatMessage[], schema: JsonSchema): readonly ChatMessage[] {
  const words = `Answer with JSON alone, without Markdown, that fits this JSON schema:\n${JSON.stringify(schema)}`;
  const last = messages.at(-1);
  if (last?.role !== 'user') return [...messages, { role: 'user', content: words }];
  return [...messages.slice(0, -1), { role: 'user', content: `${last.content}\n\n${words}` }];
}
