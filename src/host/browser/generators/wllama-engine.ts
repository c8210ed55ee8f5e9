/** llama.cpp in WASM: runs any GGUF file, with a GPU or without. */
import wasm from '@wllama/wllama/esm/wasm/wllama.wasm?url';
import { Wllama, type ChatCompletionChunk, type LoadedContextInfo } from '@wllama/wllama/esm/index.js';
import { InputError, messageOf, ResourceError } from '../../../core/errors.ts';
import {
  TransientGeneratorError,
  type GenerationReply,
  type GenerationRequest,
  type JsonSchema,
} from '../../generator.ts';
import { readAdapterFacts } from './adapter-facts.ts';
import { deleteModel, type Engine, type GenerateOptions, type OnLoadProgress } from './engine.ts';
import { openGguf } from './gguf-files.ts';
import { nameOfModel, type WllamaModel } from './protocol.ts';

const defaultContext = 4096;
const mostThreads = 8;

/** @throws InputError naming what is wrong with the file or the browser */
export async function openWllama(model: WllamaModel, onProgress: OnLoadProgress): Promise<Engine> {
  refuseOldBrowser();
  const blobs = await openGguf(model, { onProgress });
  onProgress({ phase: 'read' });
  const log = new NativeLog();
  const wllama = new Wllama({ default: new URL(wasm, import.meta.url).href }, { logger: log });
  // Else it would fetch another build from elsewhere.
  wllama.setCompat(null);
  const useGpu = model.device !== 'cpu' && (await hasRealGpu());
  try {
    await log.orLost(
      wllama.loadModel([...blobs], {
        n_ctx: model.contextTokens ?? defaultContext,
        n_threads: threads(),
        n_parallel: 1,
        ...(useGpu ? {} : { n_gpu_layers: 0 }),
      }),
    );
    // If llama.cpp refuses a model, the library still reports it as loaded.
    const { success }: LoadedContextInfo & { readonly success?: boolean } = wllama.getLoadedContextInfo();
    if (success !== true) throw new Error('it gave no reason');
  } catch (error) {
    await wllama.exit();
    throw explainLoad(error, model, log);
  }
  return new WllamaEngine(wllama, log);
}

class WllamaEngine implements Engine {
  readonly #wllama: Wllama;
  readonly #log: NativeLog;

  constructor(wllama: Wllama, log: NativeLog) {
    this.#wllama = wllama;
    this.#log = log;
  }

  async generate(request: GenerationRequest, { signal, onToken }: GenerateOptions): Promise<GenerationReply> {
    const { temperature, topP, topK, maxTokens, stop } = request.sampling;
    const reply = new ReplyText();
    const begun = performance.now();
    // Of llama.cpp, which the library hands them on to.
    const beyondTypes = { stream_options: { include_usage: true }, ...(stop === undefined ? {} : { stop }) };
    try {
      await this.#log.orLost(
        this.#wllama.createChatCompletion({
          messages: [...request.messages],
          stream: true,
          onData: (chunk) => {
            reply.add(chunk);
            onToken();
          },
          abortSignal: signal,
          max_tokens: maxTokens,
          seed: request.seed,
          // State from an earlier request changes the last bits of a sum and so, occasionally, a word.
          cache_prompt: false,
          return_progress: true,
          ...(temperature === undefined ? {} : { temperature }),
          ...(topP === undefined ? {} : { top_p: topP }),
          ...(topK === undefined ? {} : { top_k: topK }),
          ...beyondTypes,
          ...(request.schema === undefined ? {} : { response_format: formatOf(request.schema) }),
          chat_template_kwargs: { enable_thinking: false },
        }),
      );
    } catch (error) {
      throw signal.aborted ? error : explainGeneration(error);
    }
    return reply.finish((performance.now() - begun) / 1000);
  }

  async close(): Promise<void> {
    await this.#wllama.exit();
  }
}

function formatOf(schema: JsonSchema): {
  type: 'json_schema';
  json_schema: { name: string; schema: JsonSchema; strict: boolean };
} {
  return { type: 'json_schema', json_schema: { name: 'reply', schema, strict: true } };
}

/** Puts a reply together from the parts it comes in. */
class ReplyText {
  #text = '';
  #finish: string | undefined;
  #promptTokens: number | undefined;
  #completionTokens: number | undefined;

  add({ choices, usage, timings }: Partial<ChatCompletionChunk>): void {
    const [choice] = choices ?? [];
    this.#text += choice?.delta.content ?? '';
    this.#finish = choice?.finish_reason ?? this.#finish;
    if (timings !== undefined) {
      this.#promptTokens = timings.prompt_n + timings.cache_n;
      this.#completionTokens = timings.predicted_n;
    }
    if (usage !== undefined && usage !== null) {
      this.#promptTokens = usage.prompt_tokens;
      this.#completionTokens = usage.completion_tokens;
    }
  }

  finish(seconds: number): GenerationReply {
    return {
      text: this.#text,
      finish: this.#finish === 'length' ? 'length' : 'stop',
      ...(this.#promptTokens === undefined ? {} : { promptTokens: this.#promptTokens }),
      ...(this.#completionTokens === undefined ? {} : { completionTokens: this.#completionTokens }),
      seconds,
    };
  }
}

/**
 * What llama.cpp says of itself. It gives its reasons there alone, and the library tells of the end of its own worker
 * there alone.
 */
class NativeLog {
  readonly debug = (): void => undefined;
  readonly log = (...parts: unknown[]): void => this.#keep(parts);
  readonly warn = (...parts: unknown[]): void => this.#keep(parts);
  readonly error = (...parts: unknown[]): void => {
    const [event] = parts;
    if (event instanceof Event) this.#lose(new WorkerEnded(messageOfEvent(event)));
    else this.#keep(parts);
  };
  #lines: string[] = [];
  #lose: (error: WorkerEnded) => void = () => undefined;
  readonly #lost: Promise<never>;

  constructor() {
    this.#lost = new Promise((_, reject) => (this.#lose = reject));
    this.#lost.catch(() => undefined);
  }

  get text(): string {
    return this.#lines.join('\n');
  }

  /** Rejects when the library's worker ends: its own promises would never settle. */
  orLost<T>(task: Promise<T>): Promise<T> {
    return Promise.race([task, this.#lost]);
  }

  #keep(parts: readonly unknown[]): void {
    this.#lines.push(parts.map(messageOf).join(' '));
    if (this.#lines.length > 200) this.#lines = this.#lines.slice(-100);
  }
}

class WorkerEnded extends Error {}

function messageOfEvent(event: Event): string {
  return event instanceof ErrorEvent && event.message !== '' ? event.message : 'its worker failed';
}

function explainLoad(error: unknown, model: WllamaModel, log: NativeLog): Error {
  const file = { file: nameOfModel(model) };
  const said = `${messageOf(error)}\n${log.text}`;
  const architecture = /unknown model architecture: '([^']*)'/.exec(said)?.[1];
  if (architecture !== undefined) {
    return new InputError(`llama.cpp does not support the architecture ${architecture}`, {
      ...file,
      remedy: 'Choose a model that llama.cpp supports, such as Llama, Qwen, Gemma or SmolLM',
      cause: error,
    });
  }
  if (isOutOfMemory(said)) {
    return new ResourceError('the model does not fit into the memory available to the browser', {
      ...file,
      remedy:
        'Choose a smaller model or a stronger quantization (Q4), a shorter context, or close other tabs',
      cause: error,
    });
  }
  return new InputError(`llama.cpp could not load the file (${reasonIn(log.text) ?? messageOf(error)})`, {
    ...file,
    remedy:
      typeof model.model === 'string'
        ? `Choose another GGUF file, or ${deleteModel}`
        : 'Choose another GGUF file, or drop this one again after downloading it again',
    cause: error,
  });
}

/** The first line in which llama.cpp reports the failure: later ones report its consequences. */
function reasonIn(log: string): string | undefined {
  return log
    .split('\n')
    .filter((line) => /error|failed|invalid|missing|corrupt|not within/i.test(line))
    .filter((line) => !line.includes('webgpu'))
    .map((line) => line.replace(/^.*?((llama|gguf|common)_\w+): /, '').trim())
    .at(0);
}

function explainGeneration(error: unknown): Error {
  const message = messageOf(error);
  if (/context size|context length|too long|exceed_context/i.test(message)) {
    return new InputError(`the prompt is longer than the model's context (${message})`, {
      remedy: 'Use shorter passages or examples, or load the model with more context tokens',
      cause: error,
    });
  }
  if (/schema|grammar/i.test(message)) {
    return new InputError(`llama.cpp cannot enforce this schema (${message})`, {
      remedy: 'Use a schema with plain types, enum, and length bounds, without patterns',
      cause: error,
    });
  }
  return new TransientGeneratorError(`the language model failed (${message}) and is loaded again`, {
    cause: error,
  });
}

function isOutOfMemory(said: string): boolean {
  return /out of memory|bad_alloc|failed to allocate|cannot enlarge memory|memory access out of bounds|allocation failed|unable to allocate/i.test(
    said,
  );
}

/** An adapter that the processor computes is slower than the processor itself. */
async function hasRealGpu(): Promise<boolean> {
  return (await readAdapterFacts())?.isFallback === false;
}

/**
 * One for each core, of which two logical processors are mostly one. Its threads wait for each other by spinning: with
 * more of them than processors that are free, a token takes many times as long. Without isolation there is but one.
 */
function threads(): number {
  if (!globalThis.crossOriginIsolated) return 1;
  return Math.min(mostThreads, Math.max(1, Math.floor(navigator.hardwareConcurrency / 2)));
}

function refuseOldBrowser(): void {
  if (hasMemory64()) return;
  throw new InputError('this browser cannot run llama.cpp (64-bit WASM memory is missing)', {
    remedy: 'Use a current Chrome, Edge or Firefox, or a model on a server',
  });
}

function hasMemory64(): boolean {
  try {
    // A setting younger than TypeScript's types.
    Reflect.construct(WebAssembly.Memory, [{ address: 'i64', initial: 1n }]);
    return true;
  } catch {
    return false;
  }
}
