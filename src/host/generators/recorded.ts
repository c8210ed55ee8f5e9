import { InputError } from '../../core/errors.ts';
import type { GenerationReply, GenerationRequest, Generator, GeneratorDescription } from '../generator.ts';

/** A recorded reply to a request. */
export interface RecordedReply {
  /** The request's id. */
  readonly request: string;
  readonly model: string;
  readonly reply: GenerationReply;
}

/** Replays what one model wrote earlier. It knows the requests that were recorded, and no others. */
export class RecordedGenerator implements Generator {
  readonly description: GeneratorDescription;
  readonly #file: string;
  readonly #replies = new Map<string, GenerationReply>();

  /**
   * @param file names the recording in errors
   * @param model whose replies to replay; needed where the recording has those of several
   * @throws InputError if there is nothing to replay, or if it is not clear what
   */
  constructor(file: string, recorded: Iterable<RecordedReply>, model?: string) {
    const byModel = new Map<string, RecordedReply[]>();
    for (const one of recorded) {
      const replies = byModel.get(one.model) ?? [];
      replies.push(one);
      byModel.set(one.model, replies);
    }
    const models = [...byModel.keys()];
    const chosen = model ?? models[0];
    if (chosen === undefined) {
      throw new InputError('contains no replies', { file, remedy: 'Use the log of an earlier generation' });
    }
    if (model === undefined && models.length > 1) {
      throw new InputError(`contains the replies of ${models.length} models`, {
        file,
        remedy: `Choose the model to replay: ${models.join(', ')}`,
      });
    }
    for (const { request, reply } of byModel.get(chosen) ?? []) this.#replies.set(request, reply);
    if (this.#replies.size === 0) {
      throw new InputError(`contains no replies of ${chosen}`, {
        file,
        remedy: `Use one of ${models.join(', ')}`,
      });
    }
    this.#file = file;
    this.description = { kind: 'recorded', model: chosen, recorded: true, constrains: false, parallel: 8 };
  }

  async load(): Promise<void> {
    // There is nothing to make ready.
  }

  generate({ id }: GenerationRequest, signal?: AbortSignal): Promise<GenerationReply> {
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    const reply = this.#replies.get(id);
    if (reply !== undefined) return Promise.resolve(reply);
    return Promise.reject(
      new InputError(`contains no reply of ${this.description.model} to this request`, {
        file: this.#file,
        remedy:
          'Use the texts, prompt, settings and seed with which it was recorded, or choose a language model',
      }),
    );
  }

  async unload(): Promise<void> {
    // It may be loaded again.
  }
}
