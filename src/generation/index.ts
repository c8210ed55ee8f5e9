/** Writing training data with a language model. */
export { fillPrompt, makeRequest, type FilledPrompt, type SlotTexts } from './fill-prompt.ts';
export {
  PauseSwitch,
  type FinishedTask,
  type GenerationEvent,
  type GenerationParts,
  type GenerationProgress,
  type GenerationResult,
  type GenerationSettings,
  type GenerationTask,
  type OpenTask,
} from './generation-run.ts';
export { importLog, logLines, openRecorded, readLog, recordedReplies } from './log-file.ts';
export { GenerationLog, type LogEntry } from './log.ts';
export { promptById, prompts } from './prompts/index.ts';
export { promptName, withCount, type GeneratedItem, type Prompt } from './prompt.ts';
export { parsePrompt, readPrompt } from './read-prompt.ts';
export { runGeneration } from './run-generation.ts';
export {
  gradedToLists,
  labelsToLists,
  listTasks,
  negativesToLists,
  pairTasks,
  passageTasks,
  queriesToLists,
  queryTasks,
  sourceOf,
} from './training-data.ts';
