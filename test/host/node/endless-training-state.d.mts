import type { TrainingCheckpoint } from '../../../src/training/checkpoint-state.ts';

export function checkpointOf(step: number, elements: number): TrainingCheckpoint;
