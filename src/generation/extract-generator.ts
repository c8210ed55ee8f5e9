import { InputError } from '../core/errors.ts';
import { RandomStream } from '../core/random.ts';
import type {
  GenerationReply,
  GenerationRequest,
  Generator,
  GeneratorDescription,
} from '../host/generator.ts';
import { extractClauses, extractKeywords } from './extract.ts';
import { fillPrompt } from './fill-prompt.ts';
import { withCount, type Prompt } from './prompt.ts';
import { extractedClauses, extractedKeywords } from './prompts/extracted.ts';

const extractors = [
  { prompt: extractedClauses, extract: extractClauses },
  { prompt: extractedKeywords, extract: extractKeywords },
] as const;

/** Answers the prompts for extracted queries without a language model: the same reply to the same request everywhere. */
export class ExtractGenerator implements Generator {
  /** Its version changes when the same request would be answered otherwise. */
  readonly description: GeneratorDescription = {
    kind: 'extract',
    model: 'extract@1',
    recorded: false,
    constrains: true,
    parallel: 8,
  };

  load(): Promise<void> {
    return Promise.resolve();
  }

  /** @throws InputError for a prompt that does not ask to extract */
  generate({ messages, schema, seed }: GenerationRequest): Promise<GenerationReply> {
    const [system, user] = messages;
    const passage = user?.content ?? '';
    const count = countIn(schema);
    const extractor = extractors.find(
      ({ prompt }) => instructionOf(withCount(prompt, count)) === system?.content,
    );
    if (extractor === undefined) {
      return Promise.reject(
        new InputError('the generator extract copies parts of passages and answers no other prompt', {
          remedy: `Use ${extractors.map(({ prompt }) => prompt.id).join(' or ')}, or a language model`,
        }),
      );
    }
    const queries = extractor.extract(passage, count, new RandomStream(seed, 'extract'));
    const text = JSON.stringify({ queries: queries.map((query) => ({ text: query })) });
    return Promise.resolve({ text, finish: 'stop', seconds: 0 });
  }

  unload(): Promise<void> {
    return Promise.resolve();
  }
}

function instructionOf(prompt: Prompt): string | undefined {
  return fillPrompt(prompt, { passage: '-' }, 0).messages[0]?.content;
}

/** How many items the list of a reply is to have. */
function countIn(schema: GenerationRequest['schema']): number {
  const properties = schema?.properties as { readonly queries?: { readonly maxItems?: unknown } } | undefined;
  const most = properties?.queries?.maxItems;
  return typeof most === 'number' ? most : 1;
}
