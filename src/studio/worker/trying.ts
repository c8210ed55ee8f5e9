import type { GenerationEvent } from '../../generation/generation-run.ts';
import { GenerationLog, type LogEntry } from '../../generation/log.ts';
import type { Prompt } from '../../generation/prompt.ts';
import { runGeneration } from '../../generation/run-generation.ts';
import { InputError } from '../../core/errors.ts';
import { RandomStream } from '../../core/random.ts';
import { yielding } from '../../core/waiting.ts';
import type { FileTree } from '../../core/source.ts';
import { passageText, readDocuments } from '../../corpus/documents.ts';
import type { Generator } from '../../host/generator.ts';
import type { Store } from '../../host/contract.ts';
import { knownPrompt } from '../../pipeline/recipe-prompts.ts';
import { loadingText } from '../words/loading.ts';
import type { AskedPassage, TriedReply, WritingCalls } from '../writing-protocol.ts';
import { sampleOf } from './run-events.ts';

/** A passage with text, the same for the same seed. @throws InputError if the corpus has none */
export async function drawPassage(tree: FileTree, seed: number, signal: AbortSignal): Promise<AskedPassage> {
  const turn = yielding(signal);
  const random = new RandomStream(seed, 'drawn passage');
  let drawn: AskedPassage | undefined;
  let seen = 0;
  for await (const document of readDocuments(await tree.open('corpus.jsonl'), { format: 'jsonl' })) {
    await turn();
    const text = passageText(document);
    if (text.trim() !== '' && random.integer(++seen) === 0) drawn = { id: document.id, text };
  }
  if (drawn !== undefined) return drawn;
  throw new InputError('contains no text', { file: tree.name, remedy: 'Use a corpus with texts' });
}

/**
 * Asks every prompt about one passage, once. The replies are kept, so that writing with the same prompts and seed does
 * not ask for them again.
 * @throws InputError where the user has to do something; Error where the model gave no answer
 */
export async function tryPassage(
  { passage, prompts, seed }: Pick<WritingCalls['tryPassage']['ask'], 'passage' | 'prompts' | 'seed'>,
  generator: Generator,
  store: Store,
  tell: (progress: WritingCalls['tryPassage']['progress']) => void,
  signal: AbortSignal,
): Promise<readonly TriedReply[]> {
  const opened = prompts.map(knownPrompt);
  const log = await GenerationLog.open(store);
  const tried: TriedReply[] = [];
  const hear = (prompt: Prompt, event: GenerationEvent): void => {
    if (event.kind === 'loading') tell({ kind: 'loading', text: loadingText(event.loading) });
    if (event.kind === 'open-task' && event.open.why === 'failed') throw new Error(event.open.reason);
    if (event.kind !== 'finished-task' && event.kind !== 'rejected') return;
    const isKnown = event.kind === 'finished-task' && event.reused;
    const reply = replyOf(prompt, event, isKnown);
    tried.push(reply);
    tell({ kind: 'reply', tried: reply });
  };
  try {
    for (const prompt of opened) {
      await runGeneration({
        tasks: [{ id: passage.id, slots: { passage: passage.text } }],
        settings: { seed, attempts: 1, tries: 1 },
        onEvent: (event) => hear(prompt, event),
        ...{ prompt, generator, log, signal },
      });
    }
  } finally {
    await generator.unload();
  }
  return tried;
}

function replyOf(
  prompt: Prompt,
  event: Extract<GenerationEvent, { kind: 'finished-task' | 'rejected' }>,
  isKnown: boolean,
): TriedReply {
  const entry: LogEntry = event.kind === 'rejected' ? event.entry : event.finished.entry;
  return {
    sample: sampleOf(prompt, event),
    dropped: entry.dropped ?? [],
    seconds: isKnown ? undefined : entry.seconds,
    promptTokens: entry.prompt_tokens,
    completionTokens: entry.completion_tokens,
  };
}
