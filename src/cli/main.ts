import { setMaxListeners } from 'node:events';
import { Command, CommanderError, type Option } from 'commander';
import { InputError, messageOf } from '../core/errors.ts';
import { shortMessage } from '../core/other-text.ts';
import { registerCompare } from './commands/compare.ts';
import { registerCompareModels } from './commands/compare-models.ts';
import { registerDiagnose } from './commands/diagnose.ts';
import { registerDistill } from './commands/distill.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerEmbed } from './commands/embed.ts';
import { registerEval } from './commands/eval.ts';
import { registerExport } from './commands/export.ts';
import { registerFilter } from './commands/filter.ts';
import { registerGenerate } from './commands/generate.ts';
import { registerImport } from './commands/import.ts';
import { registerMine } from './commands/mine.ts';
import { registerRun } from './commands/run.ts';
import { registerSearch } from './commands/search.ts';
import { registerTable } from './commands/table.ts';
import { registerTrain } from './commands/train.ts';
import type { CliIo } from './io.ts';
import { ProcessIo } from './io.ts';
import { packageVersion } from './version.ts';

export const exitCodes = { success: 0, failure: 1, badInput: 2 } as const;

/**
 * One line for each command. `register` declares the options only; what is heavy (ONNX Runtime, tokenizers) is
 * imported inside the action, so that `--help` and light commands start at once.
 */
const registrations: readonly ((program: Command, io: CliIo) => void)[] = [
  registerImport,
  registerRun,
  registerEval,
  registerCompare,
  registerCompareModels,
  registerTable,
  registerDoctor,
  registerSearch,
  registerGenerate,
  registerMine,
  registerFilter,
  registerDiagnose,
  registerTrain,
  registerDistill,
  registerEmbed,
  registerExport,
];

/**
 * Runs the command line and sets the exit code: 0 when it worked, 2 for bad input or usage (one line on standard
 * error), 1 for anything else.
 */
export async function main(argv: readonly string[]): Promise<void> {
  const io = new ProcessIo();
  // Requests to a language model go side by side and all listen for the same end: not the leak that Node takes it for.
  setMaxListeners(0);
  try {
    await runCommand(argv, io);
    await io.flush();
  } catch (error) {
    io.stopProgress();
    const code = report(error, argv, io);
    await io.flush().catch(() => undefined);
    // A failed command may have left workers or sessions open that would keep the process alive.
    process.exit(code);
  }
}

async function runCommand(argv: readonly string[], io: ProcessIo): Promise<void> {
  try {
    await createProgram(io).parseAsync(argv, { from: 'user' });
  } catch (error) {
    // Help and version arrive as exceptions too.
    if (!(error instanceof CommanderError && error.exitCode === 0)) throw error;
  }
}

function createProgram(io: ProcessIo): Command {
  const program = new Command('retriever-studio')
    .description('Train, evaluate and compare dense retrievers.')
    .version(packageVersion(), '--version', 'Print the version')
    .helpOption('--help', 'Show this help')
    .helpCommand(false)
    .configureHelp({ optionDescription })
    .exitOverride()
    // Usage errors arrive as exceptions and are printed by report(), on one line.
    .configureOutput({ writeOut: (text) => io.writeOut(text), outputError: () => undefined });
  for (const register of registrations) register(program, io);
  for (const command of program.commands) {
    command
      .option('--json', 'Print one JSON object, and nothing else, to standard output')
      .option('--debug', 'Print the stack trace of an error')
      .allowExcessArguments(false);
  }
  program.hook('preAction', (_, command) => {
    io.json = command.opts().json === true;
  });
  return program;
}

/** Defaults as they are typed: without quotes, and none for an option that may be repeated. */
function optionDescription({ description, defaultValue, negate }: Option): string {
  const isShown = (typeof defaultValue === 'string' || typeof defaultValue === 'number') && !negate;
  return isShown ? `${description} (default: ${defaultValue})` : description;
}

function report(error: unknown, argv: readonly string[], io: CliIo): number {
  if (error instanceof CommanderError) {
    // Without a command the help has been printed already.
    if (error.code !== 'commander.help') io.note(describeUsageError(error, argv));
    return exitCodes.badInput;
  }
  const debug = argv.includes('--debug') || (process.env.DEBUG ?? '') !== '';
  const stack = debug && error instanceof Error ? error.stack : undefined;
  io.note(`error: ${oneLine(shortMessage(messageOf(error)))}`);
  for (const line of stack?.split('\n') ?? []) io.note(line);
  return error instanceof InputError ? exitCodes.badInput : exitCodes.failure;
}

function describeUsageError(error: CommanderError, argv: readonly string[]): string {
  const first = argv[0];
  const knowsCommand =
    error.code !== 'commander.unknownCommand' && first !== undefined && !first.startsWith('-');
  const help = knowsCommand ? `retriever-studio ${first} --help` : 'retriever-studio --help';
  return `${oneLine(shortMessage(error.message)).replace(/\.$/, '')}. Run "${help}" for usage.`;
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ');
}
