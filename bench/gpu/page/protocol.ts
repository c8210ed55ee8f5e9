import type { StepLimits, TimedSteps } from '../../support/timed-steps.ts';
import type { TrainingWorkloadOptions } from '../../support/workload.ts';

export interface StepsRequest {
  readonly shape: 'MiniLM-L6' | 'tiny';
  readonly work: TrainingWorkloadOptions;
  readonly limits: Omit<StepLimits, 'onWarm'>;
}

/** JSON, for the page hands it to Node. */
export type StepsAnswer =
  { readonly steps: TimedSteps; readonly adapter: string } | { readonly failed: string };
