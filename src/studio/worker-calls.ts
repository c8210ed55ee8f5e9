import type { BenchmarkCalls } from './benchmark-protocol.ts';
import type { CorpusCalls } from './corpus-protocol.ts';
import type { ImportCalls } from './import-protocol.ts';
import type { JudgeCalls } from './judge-protocol.ts';
import type { ListsCalls } from './lists-protocol.ts';
import type { PlanningCalls } from './planning-protocol.ts';
import type { StudioCalls } from './protocol.ts';
import type { WritingCalls } from './writing-protocol.ts';

/** Every request of the training worker. */
export type WorkerCalls = StudioCalls &
  ImportCalls &
  BenchmarkCalls &
  CorpusCalls &
  ListsCalls &
  WritingCalls &
  PlanningCalls &
  JudgeCalls;
