import type { Settled } from '../core/setting.ts';
import type { LossSpec } from '../losses/loss-spec.ts';
import type { BatchOptions } from './batches.ts';
import type { EarlyStoppingOptions } from './early-stopping.ts';
import type { Mix } from './mixing/mix.ts';
import type { AdamWSettings } from './optimizer.ts';
import type { ParameterSelection } from './parameter-selection.ts';
import type { ScheduleOptions } from './schedules.ts';
import type { trainingSettingTable } from './setting-table.ts';

/** Settings in the form that the trainer needs. */
interface TrainerSettings {
  readonly seed: number;
  readonly selection: ParameterSelection;
  readonly epochs: number;
  /** Ends the training earlier than its epochs do. */
  readonly maxSteps?: number;
  /** The peak. */
  readonly learningRate: number;
  readonly schedule: ScheduleOptions;
  readonly optimizer: AdamWSettings;
  readonly dropout: { readonly hidden: number; readonly attention: number };
  /**
   * Tokens of one micro-batch; fixes the order of additions, so another value gives other bits. `auto` is what suits
   * the device.
   */
  readonly tokensPerMicroBatch: number | 'auto';
  /** Activations are kept up to this many bytes, and recomputed beyond. */
  readonly activationBytes: number;
  /** Steps between evaluations. */
  readonly evaluateEvery: number;
  readonly earlyStopping: EarlyStoppingOptions;
  /** Steps between checkpoints. */
  readonly checkpointEvery: number;
}

/** The settings of the table that go to the trainer as they are. */
type TableSettings = Omit<Settled<typeof trainingSettingTable>, keyof TrainerSettings | 'batches'>;

/** Optimization settings, independent of the objective. */
export interface OptimizationSettings extends TrainerSettings, Partial<TableSettings> {}

/** Everything that decides what a training on lists computes. */
export interface TrainingSettings extends TrainerSettings, TableSettings {
  readonly loss: LossSpec;
  readonly batches: Omit<BatchOptions, 'seed'>;
  /** Where lists are of several sources (their `origin`): how they share the batches. */
  readonly mix?: Mix;
}
