import { workerScope } from '../worker-scope.ts';
import { InputError } from '../../errors.ts';
import { sendError } from '../../worker-tasks.ts';
import { announceLife } from '../worker-tasks.ts';
import type { Engine, OnLoadProgress } from './engine.ts';
import { forgetGguf, forgetGgufModel, listGguf } from './gguf-files.ts';
import type {
  GenerationCall,
  GenerationCalls,
  GenerationMessage,
  GenerationOrder,
  GenerationQuestion,
  LocalModel,
} from './protocol.ts';

type Answer = GenerationCalls[GenerationCall]['answer'];

/** Makes this worker a generation worker: it loads one model and writes what the page asks for. */
export function serveGeneration(): void {
  const scope = workerScope<GenerationOrder, GenerationMessage>();
  const post = (message: GenerationMessage): void => scope.postMessage(message);
  const watched = announceLife(post);
  const session = new GenerationSession(post);
  scope.addEventListener('message', ({ data: order }) => {
    if (order.call === 'stop') {
      session.stop(order.id);
      return;
    }
    const { id } = order;
    // Not before the page would notice if the task ended the worker.
    watched
      .then(() => session.answer(order))
      .then(
        (answer) => post({ kind: 'answer', id, answer }),
        (error: unknown) => post({ kind: 'refusal', id, error: sendError(error) }),
      );
  });
}

class GenerationSession {
  readonly #post: (message: GenerationMessage) => void;
  #engine: Engine | undefined;
  /** The reply that is being written. */
  #current: { readonly id: number; readonly abort: AbortController } | undefined;

  constructor(post: (message: GenerationMessage) => void) {
    this.#post = post;
  }

  stop(id: number): void {
    if (this.#current?.id === id) this.#current.abort.abort();
  }

  async answer(question: GenerationQuestion): Promise<Answer> {
    switch (question.call) {
      case 'load': {
        const { id } = question;
        this.#engine = await openEngine(question.ask.model, (progress) =>
          this.#post({ kind: 'progress', id, progress }),
        );
        return null;
      }
      case 'generate':
        return this.#generate(question);
      case 'close':
        await this.#engine?.close();
        return null;
      case 'records':
        return (await webllm()).webllmRecords();
      case 'cachedWebllm':
        return (await webllm()).cachedWebllm(question.ask.records);
      case 'cachedGguf':
        return listGguf();
      case 'forgetGguf':
        await forgetGguf(question.ask.key);
        return null;
      case 'forget':
        await forget(question.ask.model);
        return null;
    }
  }

  async #generate({ id, ask }: Extract<GenerationQuestion, { call: 'generate' }>): Promise<Answer> {
    if (this.#engine === undefined) {
      throw new InputError('no model is loaded', { remedy: 'Load it first' });
    }
    const abort = new AbortController();
    this.#current = { id, abort };
    try {
      return await this.#engine.generate(ask.request, {
        signal: abort.signal,
        onToken: () => this.#post({ kind: 'token', id }),
      });
    } finally {
      this.#current = undefined;
    }
  }
}

/** Each library is fetched when it is first needed. */
async function openEngine(model: LocalModel, onProgress: OnLoadProgress): Promise<Engine> {
  if (model.kind === 'webllm') return (await webllm()).openWebllm(model, onProgress);
  const { openWllama } = await import('./wllama-engine.ts');
  return openWllama(model, onProgress);
}

async function forget(model: LocalModel): Promise<void> {
  if (model.kind === 'webllm') await (await webllm()).forgetWebllm(model.model, model.records);
  else await forgetGgufModel(model);
}

const webllm = () => import('./webllm-engine.ts');
