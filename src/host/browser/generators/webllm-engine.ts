/** WebLLM: models compiled for WebGPU. It lives in this worker alone, and so do its errors with their names. */
import {
  deleteModelAllInfoInCache,
  hasModelInCache,
  MLCEngine,
  prebuiltAppConfig,
  type AppConfig,
} from '@mlc-ai/web-llm';
import { InputError, messageOf } from '../../../core/errors.ts';
import type { GenerationReply, GenerationRequest } from '../../generator.ts';
import { explainStorageErrors, isQuotaError } from '../storage-space.ts';
import { readAdapterFacts } from './adapter-facts.ts';
import { deleteModel, type Engine, type GenerateOptions, type OnLoadProgress } from './engine.ts';
import type { WebllmModelChoice } from './protocol.ts';
import { explainWebllmLoad, explainWebllmReply, isBadCache, isFailedFetch } from './webllm-errors.ts';
import { chooseRecord, type WebllmRecord } from './webllm-models.ts';
import { WebllmProgress } from './webllm-progress.ts';
import { filesOf, webllmCaches } from './webllm-files.ts';

/** @throws InputError with the remedy */
export async function openWebllm(model: WebllmModelChoice, onProgress: OnLoadProgress): Promise<Engine> {
  const appConfig = configOf(model.records);
  const record = chooseRecord(model.model, appConfig.model_list, await readAdapterFacts());
  const id = record.model_id;
  const progress = new WebllmProgress(() => performance.now());
  const engine = new MLCEngine({
    appConfig,
    logLevel: 'SILENT',
    initProgressCallback: (report) => {
      const read = progress.read(report);
      if (read !== undefined) onProgress(read);
    },
  });
  onProgress({ phase: 'download' });
  try {
    await explainStorageErrors(undefined, () =>
      engine.reload(
        id,
        model.contextTokens === undefined ? undefined : { context_window_size: model.contextTokens },
      ),
    );
  } catch (error) {
    if (isBadCache(error)) await forgetWebllm(filesOf(record.model), model.records);
    if (isFailedFetch(error) && !isQuotaError(error)) throw await explainFetch(error, record);
    throw explainWebllmLoad(error, id);
  }
  const loaded = new WebllmEngine(engine, id);
  await loaded.check();
  return loaded;
}

class WebllmEngine implements Engine {
  readonly #engine: MLCEngine;
  readonly #id: string;

  constructor(engine: MLCEngine, id: string) {
    this.#engine = engine;
    this.#id = id;
  }

  /**
   * Lets the model generate a few words: if the GPU's memory is full, WebLLM silently generates garbage.
   * @throws InputError
   */
  async check(): Promise<void> {
    const reply = await this.generate(
      {
        id: 'check',
        messages: [{ role: 'user', content: 'Name three colors.' }],
        sampling: { maxTokens: 12, temperature: 0 },
        seed: 1,
      },
      { signal: new AbortController().signal, onToken: () => undefined },
    );
    if (!looksBroken(reply.text)) return;
    await this.close();
    throw new InputError(
      `the model produces garbage on this device (${JSON.stringify(reply.text.slice(0, 40))})`,
      {
        file: this.#id,
        remedy: `Choose a smaller model or fewer context tokens, since GPU memory is probably full; if the problem persists, ${deleteModel}`,
      },
    );
  }

  async generate(request: GenerationRequest, { signal, onToken }: GenerateOptions): Promise<GenerationReply> {
    const { temperature, topP, maxTokens, stop } = request.sampling;
    const interrupt = (): void => void this.#engine.interruptGenerate();
    const begun = performance.now();
    let text = '';
    let finish: string | null = null;
    let usage: { prompt_tokens: number; completion_tokens: number } | undefined;
    try {
      const chunks = await this.#engine.chatCompletion({
        messages: [...request.messages],
        stream: true,
        stream_options: { include_usage: true },
        max_tokens: maxTokens,
        seed: request.seed,
        ...(temperature === undefined ? {} : { temperature }),
        ...(topP === undefined ? {} : { top_p: topP }),
        ...(stop === undefined ? {} : { stop: [...stop] }),
        ...(request.schema === undefined
          ? {}
          : { response_format: { type: 'json_object', schema: JSON.stringify(request.schema) } }),
        // Any other model would be given an empty block of thoughts that it does not know.
        ...(this.#id.startsWith('Qwen3') ? { extra_body: { enable_thinking: false } } : {}),
      });
      for await (const chunk of chunks) {
        // An interruption before the first token is forgotten, so it is asked for with each.
        if (signal.aborted) interrupt();
        const [choice] = chunk.choices;
        text += choice?.delta.content ?? '';
        finish = choice?.finish_reason ?? finish;
        usage = chunk.usage ?? usage;
        onToken();
      }
    } catch (error) {
      throw explainWebllmReply(error, this.#id);
    }
    if (signal.aborted) throw abortError();
    return {
      text,
      finish: finish === 'length' ? 'length' : 'stop',
      ...(usage === undefined
        ? {}
        : { promptTokens: usage.prompt_tokens, completionTokens: usage.completion_tokens }),
      seconds: (performance.now() - begun) / 1000,
    };
  }

  async close(): Promise<void> {
    await this.#engine.unload();
  }
}

export function webllmRecords(): readonly WebllmRecord[] {
  return prebuiltAppConfig.model_list;
}

/** The ids of the models that are here whole. */
export async function cachedWebllm(records: readonly WebllmRecord[] | undefined): Promise<string[]> {
  const appConfig = configOf(records);
  const here: string[] = [];
  for (const { model_id } of appConfig.model_list) {
    if (await hasModelInCache(model_id, appConfig)) here.push(model_id);
  }
  return here;
}

/** Deletes weights, tokenizer, description and program of the model whose files lie there. */
export async function forgetWebllm(folder: string, records?: readonly WebllmRecord[]): Promise<void> {
  const appConfig = configOf(records);
  const own = appConfig.model_list.filter(({ model }) => filesOf(model) === folder);
  // The library forgets weights by the list of them, and gives up where the list itself is broken.
  for (const { model_id } of own) await deleteModelAllInfoInCache(model_id, appConfig).catch(() => undefined);
  const begins = [folder, ...own.map(({ model_lib }) => model_lib)];
  for (const name of webllmCaches) {
    const cache = await caches.open(name);
    for (const { url } of await cache.keys()) {
      if (begins.some((begin) => url.startsWith(begin))) await cache.delete(url);
    }
  }
}

/** A custom record precedes one of the same id in the list; this is how a mirror is set. */
function configOf(own: readonly WebllmRecord[] = []): AppConfig {
  const ids = new Set(own.map(({ model_id }) => model_id));
  const rest = prebuiltAppConfig.model_list.filter(({ model_id }) => !ids.has(model_id));
  return { ...prebuiltAppConfig, model_list: [...own.map(withWholeAddresses), ...rest] };
}

/** Addresses below the page's own would be read from the worker's. */
function withWholeAddresses(record: WebllmRecord): WebllmRecord {
  const whole = (address: string): string => new URL(address, location.origin).href;
  return { ...record, model: whole(record.model), model_lib: whole(record.model_lib) };
}

/** Asks once more for what could not be fetched, to say which file it was and what the server answers. */
async function explainFetch(error: unknown, record: WebllmRecord): Promise<InputError> {
  for (const url of [`${filesOf(record.model)}mlc-chat-config.json`, record.model_lib]) {
    const { host } = new URL(url);
    let status: number;
    try {
      ({ status } = await fetch(url, { method: 'HEAD' }));
    } catch (cause) {
      return new InputError(`${host} could not be reached (${messageOf(cause)})`, {
        file: record.model_id,
        remedy: 'Re-run when the connection works; completed downloads are kept',
        cause,
      });
    }
    if (status < 400) continue;
    return new InputError(`${host} responded with status ${status} for ${url}`, {
      file: record.model_id,
      remedy:
        status === 404
          ? 'Fix the addresses of the record (self-hosted folders end in resolve/main/), or choose another model'
          : 'Re-run later, or use a record with the address of a mirror',
      cause: error,
    });
  }
  return new InputError('a file of the weights could not be fetched', {
    file: record.model_id,
    remedy: 'Re-run when the connection works; completed downloads are kept',
    cause: error,
  });
}

/** One character again and again, or nothing that can be read. */
export function looksBroken(text: string): boolean {
  const letters = Array.from(text.trim());
  if (letters.length === 0) return true;
  const unreadable = letters.filter((letter) => letter === '\uFFFD' || letter < ' ').length;
  return unreadable * 2 > letters.length || (letters.length >= 8 && new Set(letters).size === 1);
}

function abortError(): DOMException {
  return new DOMException('the reply was ended', 'AbortError');
}
