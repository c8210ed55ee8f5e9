/** The log of replies as files. */
import { importLog, logLines } from '../generation/log-file.ts';
import type { GenerationLog } from '../generation/log.ts';
import { openFile } from './input-files.ts';
import type { CliIo } from './io.ts';
import { writeOutputFile } from './output-file.ts';

/** Takes the replies of an exported log over. */
export async function importReplies(log: GenerationLog, path: string, io: CliIo): Promise<void> {
  const { added, known } = await importLog(log, await openFile(path), {
    onWarning: (warning) => io.warn(warning),
  });
  io.note(`${path}: ${added} replies imported, ${known} already in the log`);
}

/** Writes the replies to some prompts by a model. @param prompts with their versions */
export async function exportReplies(
  log: GenerationLog,
  { model, prompts }: { readonly model: string; readonly prompts: ReadonlySet<string> },
  path: string,
): Promise<void> {
  const entries = [...log.entries()].filter(
    (entry) => entry.model === model && prompts.has(`${entry.prompt}@${entry.prompt_version}`),
  );
  await writeOutputFile(path, logLines(entries));
}
