import { nodeFiles, type FileOperations } from './file-operations.ts';
import { nodeProcesses, type ProcessTable } from './processes.ts';

/** The outside world of everything that keeps files: tests put a failing one in its place. */
export interface Disk {
  readonly files: FileOperations;
  readonly processes: ProcessTable;
}

export const nodeDisk: Disk = { files: nodeFiles, processes: nodeProcesses };
