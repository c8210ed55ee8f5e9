/**
 * Retriever Studio as a library: everything that needs no host, for Node and browsers alike. What a host supplies
 * is declared in host/contract.ts; for Node it comes from `retriever-studio/node`.
 */

// The contracts between the studio and its host.
export type { DataType } from './core/tensor-size.ts';
export type { Json } from './core/json.ts';
export type {
  BlobReference,
  Clock,
  DeviceTensor,
  FetchProgress,
  ModelFiles,
  ModelFolder,
  Runtime,
  Session,
  SessionOptions,
  Store,
  StoreChanges,
  StoreRecord,
  StoreWriter,
  TensorData,
  WorkerPool,
} from './host/contract.ts';
export { StoreCorruptionError, StoreFencedError } from './host/contract.ts';
export { InputError, ResourceError } from './core/errors.ts';

// Corpora, judgments and training lists.
export type { Document, Judgments, ListDocument, ListRecord, Query } from './corpus/types.ts';
export { readBeir, beirSplits, type BeirDataset, type BeirOptions } from './corpus/beir.ts';
export { deduplicate, type Deduplication } from './corpus/deduplicate.ts';
export { passageText, readDocuments, type DocumentOptions } from './corpus/documents.ts';
export { parseJudgments, readJudgments, relevantDocuments } from './corpus/judgments.ts';
export { formatList, readLists, writeLists, type ListFormat } from './corpus/lists.ts';
export { readQueries } from './corpus/queries.ts';
export { ReadReport } from './corpus/report.ts';
export { bytesSource, textSource, type ByteSource, type FileTree } from './core/source.ts';
export {
  sharedWithTrain,
  splitByPassage,
  type SharedDocuments,
  type Split,
  type SplitReport,
} from './corpus/split.ts';
export { isZip, openZip, type ZipLimits } from './formats/zip.ts';

// Losses.
export type {
  CandidateScope,
  LossBlock,
  LossDefinition,
  LossResult,
  LossSettings,
} from './losses/contract.ts';
export { lossByName, losses } from './losses/index.ts';
export {
  formatLossSpec,
  lossTerm,
  parseLossSpec,
  type LossSpec,
  type LossTerm,
  type LossTermInput,
} from './losses/loss-spec.ts';
export { checkLists } from './losses/requirements.ts';

// Measures and tests of significance.
export {
  compareSystems,
  type CompareOptions,
  type ComparisonTable,
  type MeasuredSystem,
  type MeasuredValue,
  type PairResult,
  type ComparedSystem,
} from './metrics/compare-systems.ts';
export { conclusion, type Wording } from './metrics/comparison-text.ts';
export { evaluate, type Evaluation, type EvaluationOptions } from './metrics/evaluate.ts';
export { allMeasures, parseMeasures, type RequestedMeasure } from './metrics/measures/registry.ts';
export {
  formatRunLines,
  readRun,
  runFormatOf,
  type ParsedRun,
  type Run,
  type RunFormat,
  type ScoredDocuments,
} from './metrics/run.ts';
export { toCsv, toLatex, type Table } from './metrics/tables.ts';

// Encoders.
export { CrossEncoder } from './encoders/cross-encoder.ts';
export { uploadWeights, type DeviceWeights } from './encoders/device-weights.ts';
export type { Embedder, EmbedOptions, Side } from './encoders/embedder.ts';
export { openEmbedder } from './encoders/open-embedder.ts';
export { exportCrossEncoderOnnx, exportOnnx } from './encoders/onnx-export.ts';
export type {
  LibraryCrossEncoder,
  LibraryEncoder,
  LoadableEncoder,
  LoadedCrossEncoder,
  LoadedEncoder,
  ModelLibrary,
} from './encoders/model-library.ts';
export { readCrossEncoder, readEncoder } from './encoders/read-encoder.ts';
export { encoderFiles, type EncoderFilesOptions } from './encoders/write-encoder.ts';
export type {
  CrossEncoderModel,
  EncoderFile,
  EncoderModel,
  EncoderShape,
  EncodingConfig,
  EncodingOverrides,
  TextTokenizer,
  Weights,
  WeightTensor,
} from './encoders/types.ts';

// Retrieval.
export { Bm25Builder, Bm25Index, type Bm25Settings } from './retrieval/bm25.ts';
export { cutRanking, rankingToRun, type RankedDocument, type Ranking } from './retrieval/ranking.ts';
export { fuseByRank, fuseByScore, type FusedRanking, type FusionInput } from './retrieval/fusion.ts';
export {
  embedCorpus,
  indexWithBm25,
  rankWithBm25,
  rankWithVectors,
  type CorpusVectors,
  type EmbedTexts,
  type RankOptions,
} from './retrieval/retrieve.ts';
export {
  readTextVectors,
  writeTextVectors,
  type TextVectors,
  type TextVectorsContent,
  type WrittenVectors,
} from './retrieval/text-vectors.ts';
export { VectorIndex } from './retrieval/vectors.ts';

// Training.
export { CheckpointStore, type LoadedCheckpoint } from './training/checkpoint.ts';
export { devEvaluation } from './training/dev-evaluation.ts';
export { defaultAdamW, type AdamWSettings } from './training/optimizer.ts';
export type { ParameterSelection } from './training/parameter-selection.ts';
export type { TrainingSettings } from './training/settings.ts';
export { batchesOf, type BatchSettings } from './training/list-objective.ts';
export type { Mix, MixedSource } from './training/mixing/mix.ts';
export {
  train,
  TrainingDivergedError,
  type Evaluate,
  type TrainerParts,
  type TrainingEvent,
  type TrainingResult,
} from './training/trainer.ts';

// Generation: prompts, language models, their replies.
export {
  TransientGeneratorError,
  type GenerationReply,
  type GenerationRequest,
  type Generator,
  type GeneratorDescription,
} from './host/generator.ts';
export * from './generation/index.ts';

// Mining: candidates, teachers, filters.
export { documentsToMine, fusedSource, type CandidateSource, type TextOf } from './lists/candidates.ts';
export { mineHardNegatives, type HardNegativeOptions, type MiningReport } from './lists/hard-negatives.ts';
export { makeListwiseLists, type ListwiseOptions } from './lists/listwise-lists.ts';
export { biEncoderPairs, biEncoderTeacher } from './lists/bi-encoder-teacher.ts';
export { crossEncoderTeacher, type ScorePairs } from './lists/cross-encoder-teacher.ts';
export { scoreLists, type PairScores, type Teacher } from './lists/teacher.ts';
export { readTeacherScores, withTeacherScores, type TeacherScores } from './lists/teacher-scores.ts';
export type { PairNumbers, PairNumbersReport } from './lists/pair-numbers.ts';
export { cachedScores, ScoringStoppedError, type ScoreCacheOptions } from './lists/score-cache.ts';
export { diagnoseSources, type SourceDiagnosis } from './lists/diagnostics/diagnose.ts';
export { guideLists, withGuideScores } from './lists/guide.ts';
export { readGivenLabels, withGivenLabels, type Labeler } from './lists/given-labels.ts';
export { readAnswers, withAnswers, type Answers } from './lists/answers.ts';
export { percentile } from './lists/percentile.ts';
export { scaleScore, scaleTeacherScores, withRawScores, type ScalingOptions } from './lists/scaling.ts';
export type { ScoreGroup } from './lists/score-groups.ts';
export {
  applyRules,
  type FilterOptions,
  type FilterReport,
  type RuleExample,
  type RuleReport,
} from './lists/filter.ts';
export { formatRules, parseRules } from './lists/rule-spec.ts';
export { filterRules } from './lists/rules/index.ts';
export type { FilterRule, RuleDefinition } from './lists/rules/contract.ts';
export { isDropped, keepPassages, withoutVerdicts, type KeepReport } from './lists/verdicts.ts';

// Recipes.
export { RecipeJob, type RecipeEvent, type RecipeJobParts } from './pipeline/job.ts';
export type { Plan } from './pipeline/plan.ts';
export { readRecipe } from './pipeline/read-recipe.ts';
export type { RecipeFiles } from './pipeline/recipe-corpus.ts';
export { reportMarkdown } from './pipeline/report-markdown.ts';
export type { RecipeReport } from './pipeline/report.ts';
export type { Recipe, RecipeInput } from './pipeline/schema.ts';
export { RecipeStoppedError } from './pipeline/stage.ts';
