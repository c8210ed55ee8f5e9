import { startTimer } from '../../core/waiting.ts';
import { DeadlineError } from '../../core/errors.ts';

/**
 * Lets calls to ONNX Runtime through one at a time (two in flight break it), each with a deadline. After a deadline
 * or {@link fail} every call, under way or to come, rejects at once and nothing is started any more.
 */
export class RunQueue {
  readonly #milliseconds: number;
  #last: Promise<unknown> = Promise.resolve();
  #error: Error | undefined;
  #reject: (error: Error) => void = () => undefined;
  /** Rejects the call under way. */
  #giveUp: ((error: Error) => void) | undefined;
  /** Rejects when the queue fails; never resolves. */
  readonly failed: Promise<never>;

  /** @param milliseconds that one call may take */
  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
    this.failed = new Promise<never>((_, reject) => (this.#reject = reject));
    // The caller of the task receives the error.
    this.failed.catch(() => undefined);
  }

  get error(): Error | undefined {
    return this.#error;
  }

  /** @param call names the call in the error of a missed deadline */
  run<T>(call: string, task: () => Promise<T>): Promise<T> {
    const guarded = (): Promise<T> => this.#withDeadline(call, task);
    const result = this.#last.then(guarded, guarded);
    this.#last = result;
    return result;
  }

  /** Ends the queue. The first error stays. */
  fail(error: Error): void {
    this.#error ??= error;
    this.#reject(this.#error);
    this.#giveUp?.(this.#error);
  }

  async #withDeadline<T>(call: string, task: () => Promise<T>): Promise<T> {
    if (this.#error !== undefined) throw this.#error;
    const cancel = startTimer(
      () => this.fail(new DeadlineError(call, this.#milliseconds)),
      this.#milliseconds,
    );
    try {
      // Not a race with `failed`, which would hold on to every call that it ever raced with.
      return await new Promise<T>((resolve, reject) => {
        this.#giveUp = reject;
        task().then(resolve, reject);
      });
    } finally {
      cancel();
      this.#giveUp = undefined;
    }
  }
}
