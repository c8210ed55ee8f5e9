import type { StepLimits, StepWork, TimedSteps } from '../../support/timed-steps.ts';

export interface StepsRequest {
  readonly shape: 'MiniLM-L6' | 'tiny';
  readonly work: Omit<StepWork, 'shape' | 'weights'>;
  readonly limits: Omit<StepLimits, 'onWarm'>;
}

/** JSON, for the page hands it to Node. */
export type StepsAnswer =
  { readonly steps: TimedSteps; readonly adapter: string } | { readonly failed: string };
