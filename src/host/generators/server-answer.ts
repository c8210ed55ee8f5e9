/** A response of an OpenAI-compatible server: its reply, its models, or its error. */
import type { Json } from '../../core/json.ts';
import { own } from '../../core/own.ts';
import { TransientGeneratorError, isTokenCount, type GenerationReply } from '../generator.ts';
import { mostMebibytes, type HttpAnswer } from './http-answer.ts';

const mostQuoted = 300;

export class ServerAnswer {
  readonly #http: HttpAnswer;
  readonly #body: Json | undefined;
  readonly #hideKey: (text: string) => string;

  /** @param hideKey from every text before it is shortened, shown or kept */
  constructor(http: HttpAnswer, hideKey: (text: string) => string) {
    this.#http = http;
    this.#body = parse(http.text);
    this.#hideKey = hideKey;
  }

  get status(): number {
    return this.#http.status;
  }

  get redirects(): boolean {
    return this.#http.redirects;
  }

  get retryAfterSeconds(): number | undefined {
    return this.#http.retryAfterSeconds;
  }

  /** The error message of a response, in one line; undefined if the response is a result. */
  problem(): string | undefined {
    if (this.redirects) return 'it redirects to another address';
    if (this.status >= 200 && this.status < 300) return undefined;
    return `it responded with status ${this.status}${this.#quote()}`;
  }

  /** The names of `{"data": [{"id"}]}`; undefined for anything else. Ollama returns null if it has none. */
  models(): readonly string[] | undefined {
    const data = member(this.#body, 'data');
    if (data === null) return [];
    if (!Array.isArray(data)) return undefined;
    return (data as readonly Json[]).flatMap((each) => {
      const id = member(each, 'id');
      return typeof id === 'string' ? [id] : [];
    });
  }

  /** @throws TransientGeneratorError if it is not a reply: truncated, or a page from a proxy in between */
  reply(seconds: number): GenerationReply {
    if (this.#http.isTooLong) {
      const problem = `the response is longer than ${mostMebibytes} MiB`;
      return { text: '', finish: 'stop', problem, seconds };
    }
    const choices = member(this.#body, 'choices');
    const choice = Array.isArray(choices) ? (choices as readonly Json[])[0] : undefined;
    const message = member(choice, 'message');
    if (message === undefined) {
      throw new TransientGeneratorError(
        this.#body === undefined
          ? 'the response is not JSON: it was cut off, or came from a proxy'
          : `the response contains no reply${this.#quote()}`,
      );
    }
    const usage = member(this.#body, 'usage');
    const [promptTokens, completionTokens] = [
      member(usage, 'prompt_tokens'),
      member(usage, 'completion_tokens'),
    ];
    return {
      text: this.#hideKey(contentOf(member(message, 'content'))),
      finish: member(choice, 'finish_reason') === 'length' ? 'length' : 'stop',
      ...(isTokenCount(promptTokens) && { promptTokens }),
      ...(isTokenCount(completionTokens) && { completionTokens }),
      seconds,
    };
  }

  /** The words of an error in any of the forms that servers use, to be put behind what is said of it. */
  #quote(): string {
    const error = member(this.#body, 'error');
    const words = [
      member(error, 'message'),
      error,
      member(this.#body, 'message'),
      member(this.#body, 'detail'),
    ].find((each) => each !== undefined && each !== null);
    const line = this.#hideKey(textOf(words)).replace(/\s+/g, ' ').trim();
    const shown = line.length > mostQuoted ? `${line.slice(0, mostQuoted)}…` : line;
    return shown === '' ? '' : `: ${shown.replace(/\.$/, '')}`;
  }
}

function textOf(words: Json | undefined): string {
  if (words === undefined || typeof words === 'string') return words ?? '';
  try {
    return JSON.stringify(words);
  } catch {
    // Nested more deeply than can be written, though it could be read.
    return '';
  }
}

/** A text, or a list of parts of which some are texts. */
function contentOf(content: Json | undefined): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  const texts = (content as readonly Json[]).map((part) => member(part, 'text'));
  return texts.filter((text) => typeof text === 'string').join('');
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
