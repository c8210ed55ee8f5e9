/**
 * What we use of the two libraries that run language models. Their own declarations import without file endings,
 * which our module resolution does not follow.
 */
declare module '@mlc-ai/web-llm' {
  export interface ModelRecord {
    /** Address of the folder of weights and tokenizer; `resolve/main/` is appended where it names no revision. */
    readonly model: string;
    readonly model_id: string;
    /** Address of the compiled program, which belongs to one version of WebLLM. */
    readonly model_lib: string;
    readonly overrides?: { readonly context_window_size?: number };
    readonly vram_required_MB?: number;
    readonly buffer_size_required_bytes?: number;
    readonly required_features?: readonly string[];
    /** 0 or nothing: language; 1: embedding; 2: language and images. */
    readonly model_type?: 0 | 1 | 2;
    readonly low_resource_required?: boolean;
    readonly model_manifest?: string;
    readonly integrity?: {
      readonly config?: string;
      readonly model_lib?: string;
      readonly tokenizer?: Readonly<Record<string, string>>;
      readonly onFailure?: 'error' | 'warn';
    };
  }

  export interface AppConfig {
    model_list: readonly ModelRecord[];
    cacheBackend?: 'cache' | 'indexeddb' | 'opfs' | 'cross-origin';
  }

  export interface InitProgressReport {
    progress: number;
    timeElapsed: number;
    text: string;
  }

  export interface ChatCompletionChunk {
    choices: readonly {
      delta: { content?: string | null };
      finish_reason: 'stop' | 'length' | 'tool_calls' | 'abort' | null;
    }[];
    usage?: { prompt_tokens: number; completion_tokens: number };
  }

  export class MLCEngine {
    constructor(config: {
      appConfig: AppConfig;
      initProgressCallback: (report: InitProgressReport) => void;
      logLevel: 'WARN' | 'SILENT';
    });
    reload(modelId: string, options?: { context_window_size?: number }): Promise<void>;
    unload(): Promise<void>;
    interruptGenerate(): Promise<void>;
    chatCompletion(request: {
      messages: readonly { role: string; content: string }[];
      stream: true;
      stream_options: { include_usage: true };
      max_tokens: number;
      seed: number;
      temperature?: number;
      top_p?: number;
      stop?: readonly string[];
      response_format?: { type: 'json_object'; schema: string };
      extra_body?: { enable_thinking: boolean };
    }): Promise<AsyncIterable<ChatCompletionChunk>>;
  }

  export const prebuiltAppConfig: AppConfig;
  export function hasModelInCache(modelId: string, appConfig: AppConfig): Promise<boolean>;
  export function deleteModelAllInfoInCache(modelId: string, appConfig: AppConfig): Promise<void>;
}

declare module '@wllama/wllama/esm/index.js' {
  type Log = (...parts: unknown[]) => void;

  export interface ChatChunk {
    choices?: readonly { delta?: { content?: string | null }; finish_reason?: string | null }[];
    usage?: { prompt_tokens: number; completion_tokens: number };
    timings?: { prompt_n: number; cache_n?: number; predicted_n: number };
  }

  export class Wllama {
    constructor(
      paths: { default: string },
      options: { logger: { debug: Log; log: Log; warn: Log; error: Log } },
    );
    setCompat(compat: null): void;
    loadModel(
      blobs: readonly Blob[],
      options: {
        n_ctx: number;
        n_threads: number;
        n_parallel: number;
        n_gpu_layers?: number;
      },
    ): Promise<void>;
    createChatCompletion(request: {
      messages: readonly { role: string; content: string }[];
      stream: true;
      onData: (chunk: ChatChunk) => void;
      abortSignal: AbortSignal;
      max_tokens: number;
      seed: number;
      cache_prompt: boolean;
      return_progress: boolean;
      stream_options: { include_usage: boolean };
      temperature?: number;
      top_p?: number;
      top_k?: number;
      stop?: readonly string[];
      response_format?: {
        type: 'json_schema';
        json_schema: { name: string; schema: unknown; strict: boolean };
      };
      chat_template_kwargs: { enable_thinking: boolean };
    }): Promise<void>;
    getLoadedContextInfo(): { readonly success?: boolean };
    exit(): Promise<void>;
  }
}
