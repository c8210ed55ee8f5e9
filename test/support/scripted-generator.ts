import {
  TransientGeneratorError,
  type GenerationReply,
  type GenerationRequest,
  type Generator,
  type GeneratorDescription,
} from '../../src/host/generator.ts';

/** What the generator does with one call. */
export type ScriptedAnswer =
  | string
  | { readonly text: string; readonly finish?: GenerationReply['finish']; readonly completionTokens?: number }
  /** Busy, or the connection broke. */
  | { readonly transient: string; readonly retryAfterSeconds?: number }
  | { readonly error: Error }
  /** Never answers; `deaf`: not even when it is aborted. */
  | { readonly stalls: 'abortable' | 'deaf' };

export interface ScriptedCall {
  readonly request: GenerationRequest;
  /** Of all calls, from 0. */
  readonly index: number;
}

/** A generator that answers from a script, and remembers what it was asked. */
export class ScriptedGenerator implements Generator {
  readonly description: GeneratorDescription;
  readonly requests: GenerationRequest[] = [];
  loads = 0;
  /** The most requests that were under way at the same time. */
  mostAtOnce = 0;
  #atOnce = 0;
  readonly #script: (call: ScriptedCall) => ScriptedAnswer | Promise<ScriptedAnswer>;

  constructor(
    script: (call: ScriptedCall) => ScriptedAnswer | Promise<ScriptedAnswer>,
    description: Partial<GeneratorDescription> = {},
  ) {
    this.#script = script;
    this.description = {
      kind: 'http',
      model: 'scripted',
      recorded: false,
      constrains: false,
      parallel: 1,
      ...description,
    };
  }

  load(): Promise<void> {
    this.loads++;
    return Promise.resolve();
  }

  async generate(request: GenerationRequest, signal?: AbortSignal): Promise<GenerationReply> {
    const index = this.requests.push(request) - 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce);
    try {
      return await this.#answer(await this.#script({ request, index }), signal);
    } finally {
      this.#atOnce--;
    }
  }

  unload(): Promise<void> {
    return Promise.resolve();
  }

  async #answer(answer: ScriptedAnswer, signal: AbortSignal | undefined): Promise<GenerationReply> {
    // As a model does, it answers in a later turn.
    await new Promise((resolve) => setTimeout(resolve));
    if (typeof answer === 'string') return reply({ text: answer });
    if ('text' in answer) return reply(answer);
    if ('error' in answer) throw answer.error;
    if ('transient' in answer) {
      const { transient, retryAfterSeconds } = answer;
      throw new TransientGeneratorError(
        transient,
        retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
      );
    }
    return new Promise((_resolve, reject) => {
      if (answer.stalls === 'abortable')
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
    });
  }
}

function reply({
  text,
  finish = 'stop',
  completionTokens,
}: {
  readonly text: string;
  readonly finish?: GenerationReply['finish'];
  readonly completionTokens?: number;
}): GenerationReply {
  return { text, finish, seconds: 0.01, ...(completionTokens !== undefined && { completionTokens }) };
}
