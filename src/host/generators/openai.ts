import type { Json } from '../contract.ts';
import { InputError } from '../errors.ts';
import {
  TransientGeneratorError,
  type ChatMessage,
  type Generator,
  type GenerationReply,
  type GenerationRequest,
  type GeneratorDescription,
  type JsonSchema,
} from '../generator.ts';
import { nearestName } from '../nearest-name.ts';
import { exchange, type HttpAnswer } from './http-answer.ts';
import { baseAddress, unreachable } from './server-address.ts';
import { own } from '../own.ts';

export interface OpenAiOptions {
  /** The base address, as in http://127.0.0.1:8000/v1. */
  readonly address: string;
  /** As the server names it. */
  readonly model: string;
  /** Sent to that address alone, and told to nobody else. */
  readonly key?: string | undefined;
  /** Requests at the same time. Default 4. */
  readonly parallel?: number | undefined;
  /** Within which a whole reply must have come. Default 180. */
  readonly deadlineSeconds?: number | undefined;
  /** The origin of the page where this runs in one: its browser asks the server for leave. */
  readonly pageOrigin?: string | undefined;
  readonly fetch?: typeof fetch;
}

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

class OpenAiGenerator implements Generator {
  readonly #base: string;
  readonly #model: string;
  readonly #key: string | undefined;
  readonly #parallel: number;
  readonly #deadlineSeconds: number;
  readonly #pageOrigin: string | undefined;
  readonly #fetch: typeof fetch;
  /** Until the server says that it cannot. */
  #constrains = true;
  #loading: Promise<void> | undefined;

  constructor({ address, model, key, parallel, deadlineSeconds, pageOrigin, fetch: send }: OpenAiOptions) {
    this.#base = baseAddress(address, pageOrigin);
    this.#model = model;
    this.#key = checkKey(key);
    this.#parallel = parallel ?? 4;
    this.#deadlineSeconds = deadlineSeconds ?? 180;
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
    const problem = this.#problemOf(answer);
    if (constrained && problem !== undefined && refusesSchema(answer.status, problem)) {
      this.#constrains = false;
      return this.generate(request, signal);
    }
    if (problem !== undefined) throw this.#failure(answer, problem);
    return readReply(answer.text, (performance.now() - startedAt) / 1000);
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

  async #check({ onProgress, signal }: NonNullable<Parameters<Generator['load']>[0]>): Promise<void> {
    onProgress?.({ phase: 'check' });
    const givenUpAt = performance.now() + this.#deadlineSeconds * 1000;
    let answer = await this.#askModels(signal);
    // llama.cpp's server answers 503 while it reads the model.
    while (answer.status === 503 && performance.now() < givenUpAt) {
      onProgress?.({ phase: 'check' });
      const seconds = Math.min(mostPauseSeconds, answer.retryAfterSeconds ?? startingPauseSeconds);
      await pause(Math.min(seconds * 1000, givenUpAt - performance.now()), signal);
      answer = await this.#askModels(signal);
    }
    const problem = this.#problemOf(answer);
    if (problem !== undefined) throw this.#refusal(answer, problem);
    const models = modelsOf(answer.text);
    if (models === undefined) throw this.#wrongPath('this is no OpenAI-compatible address');
    // Ollama lists the tag that it takes where none is named.
    if (!models.includes(this.#model) && !models.includes(`${this.#model}:latest`)) {
      throw this.#unknownModel(models);
    }
  }

  async #askModels(signal: AbortSignal | undefined): Promise<HttpAnswer> {
    try {
      return await this.#send('models', signal);
    } catch (error) {
      if (!(error instanceof TransientGeneratorError)) throw error;
      throw unreachable(this.#base, this.#pageOrigin, this.#withoutKey(error.message));
    }
  }

  async #send(path: string, signal: AbortSignal | undefined, body?: string): Promise<HttpAnswer> {
    const headers = {
      accept: 'application/json',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(this.#key !== undefined && { authorization: `Bearer ${this.#key}` }),
    };
    const init = body === undefined ? { headers } : { method: 'POST', headers, body };
    return exchange(`${this.#base}/${path}`, init, {
      fetch: this.#fetch,
      deadlineSeconds: this.#deadlineSeconds,
      signal,
    });
  }

  /** What an answer that is no result says of itself, in one line without the key; undefined where it is one. */
  #problemOf({ status, text, redirects }: HttpAnswer): string | undefined {
    if (redirects) return 'it redirects to another address';
    if (status >= 200 && status < 300) return undefined;
    return this.#withoutKey(`it answers ${status}${quoteMessage(text)}`);
  }

  /** @returns what a request that went wrong throws. */
  #failure(answer: HttpAnswer, problem: string): Error {
    const { status, retryAfterSeconds } = answer;
    if (status === 408 || status === 425 || status === 429 || status >= 500) {
      return new TransientGeneratorError(
        problem,
        retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
      );
    }
    return this.#refusal(answer, problem);
  }

  #refusal({ status, redirects }: HttpAnswer, problem: string): InputError {
    if (redirects) return this.#refused(problem, 'Give the address that it leads to');
    if (status === 401 || status === 403) {
      return this.#key === undefined
        ? this.#refused(`${problem} to a request without a key`, 'Give the key of this server')
        : this.#refused(`${problem}: it does not take the key`, 'Check the key, and what it may use');
    }
    if (status === 404 && /model/i.test(problem)) {
      return this.#refused(problem, 'Check the name of the model, and whether the server still holds it');
    }
    if (status === 404 || status === 405) return this.#wrongPath(problem);
    if (status === 429 || status >= 500)
      return this.#refused(problem, 'Look at its log, and try again later');
    return this.#refused(
      problem,
      'Shorten what is asked if it is too long for the model, or look at its log',
    );
  }

  #wrongPath(problem: string): InputError {
    return this.#refused(problem, 'Give the base address, which mostly ends in /v1');
  }

  #unknownModel(models: readonly string[]): InputError {
    if (models.length === 0) return this.#refused('it holds no model', 'Load one into the server first');
    const nearest = nearestName(this.#model, models);
    const some = models.slice(0, 8).join(', ') + (models.length > 8 ? ', …' : '');
    return this.#refused(
      `it has no model "${this.#model}"`,
      nearest === undefined ? `Name one that it has: ${some}` : `Did you mean "${nearest}"? It has ${some}`,
    );
  }

  #refused(problem: string, remedy: string): InputError {
    return new InputError(problem, { file: this.#base, remedy });
  }

  #withoutKey(text: string): string {
    return this.#key === undefined ? text : text.replaceAll(this.#key, '(key)');
  }
}

/** @throws InputError, which does not repeat it, for what no header can carry. */
function checkKey(key: string | undefined): string | undefined {
  if (key === undefined || key === '') return undefined;
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new InputError('the key has spaces, line ends or letters that no key has', {
    remedy: 'Give the key alone, as the server made it',
  });
}

/** Whether a server says that it cannot hold its model to a schema, or not to this one. */
function refusesSchema(status: number, problem: string): boolean {
  const mayBeIt = status === 400 || status === 422 || status === 500 || status === 501;
  return mayBeIt && /response_format|json_schema|json schema|grammar|guided|structured output/i.test(problem);
}

/** Tells the model in words what a server cannot hold it to. */
function withSchema(messages: readonly ChatMessage[], schema: JsonSchema): readonly ChatMessage[] {
  const words = `Answer with JSON alone, without Markdown, that fits this JSON schema:\n${JSON.stringify(schema)}`;
  const last = messages.at(-1);
  if (last?.role !== 'user') return [...messages, { role: 'user', content: words }];
  return [...messages.slice(0, -1), { role: 'user', content: `${last.content}\n\n${words}` }];
}

/** The names of `{"data": [{"id"}]}`; undefined for anything else. Ollama says null where it has none. */
function modelsOf(text: string): string[] | undefined {
  const body = parse(text);
  const data = member(body, 'data');
  if (data === null) return [];
  if (!Array.isArray(data)) return undefined;
  return (data as readonly Json[]).flatMap((each) => {
    const id = member(each, 'id');
    return typeof id === 'string' ? [id] : [];
  });
}

/** @throws TransientGeneratorError for what is no reply: broken off, or a page that something in between made. */
function readReply(text: string, seconds: number): GenerationReply {
  const body = parse(text);
  const choices = member(body, 'choices');
  const choice = Array.isArray(choices) ? (choices as readonly Json[])[0] : undefined;
  const message = member(choice, 'message');
  if (message === undefined) {
    throw new TransientGeneratorError(
      body === undefined
        ? 'the answer is not JSON: it broke off, or something between us and the server made it'
        : `the answer holds no reply${quoteMessage(text)}`,
    );
  }
  const usage = member(body, 'usage');
  const [promptTokens, completionTokens] = [
    member(usage, 'prompt_tokens'),
    member(usage, 'completion_tokens'),
  ];
  return {
    text: contentOf(member(message, 'content')),
    finish: member(choice, 'finish_reason') === 'length' ? 'length' : 'stop',
    ...(typeof promptTokens === 'number' && { promptTokens }),
    ...(typeof completionTokens === 'number' && { completionTokens }),
    seconds,
  };
}

/** A text, or a list of parts of which some are texts. */
function contentOf(content: Json | undefined): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  const texts = (content as readonly Json[]).map((part) => member(part, 'text'));
  return texts.filter((text) => typeof text === 'string').join('');
}

const mostQuoted = 300;

/** The words of an error in any of the forms that servers use, to be put behind what is said of it. */
function quoteMessage(text: string): string {
  const body = parse(text);
  const error = member(body, 'error');
  const words = [member(error, 'message'), error, member(body, 'message'), member(body, 'detail')].find(
    (each) => each !== undefined && each !== null,
  );
  if (words === undefined) return '';
  const line = (typeof words === 'string' ? words : JSON.stringify(words)).replace(/\s+/g, ' ').trim();
  const shown = line.length > mostQuoted ? `${line.slice(0, mostQuoted)}…` : line;
  return shown === '' ? '' : `: ${shown.replace(/\.$/, '')}`;
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function member(value: Json | undefined, key: string): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? own(value as Readonly<Record<string, Json>>, key)
    : undefined;
}

/** @throws the signal's reason when it was aborted. */
async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, Math.max(0, milliseconds));
    signal?.addEventListener('abort', done, { once: true });
  });
  signal?.throwIfAborted();
}
