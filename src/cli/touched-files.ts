/**
 * What a command reads and where it is to write. No output takes the place of an input or of another output, under
 * whatever names: inputs are opened through input-files.ts and outputs checked through output-file.ts, for every command
 * alike. The command line runs one command in a process.
 */

import { stat } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { InputError } from '../core/errors.ts';
import { nodeFiles } from '../host/node/file-operations.ts';

/** A file or a folder, which stands for all that is in it. */
export type PlaceKind = 'file' | 'folder';

interface Place {
  readonly kind: PlaceKind;
  /** What the user calls it. */
  readonly name: string;
  /** Absolute and without links. */
  readonly path: string;
  /** The same for all hard links of a file; undefined where nothing is there yet. */
  readonly identity: string | undefined;
}

const inputs: Place[] = [];
const outputs: Place[] = [];

/** @throws InputError if the command is to write there. */
export async function addInput(name: string, kind: PlaceKind): Promise<void> {
  const input = await placeOf(name, kind);
  const output = outputs.find((each) => replaces(each, input));
  if (output !== undefined) throw overwritten(output, input);
  inputs.push(input);
}

/** @throws InputError if the command reads what is there, or writes something else there. */
export async function addOutput(name: string, kind: PlaceKind): Promise<void> {
  const output = await placeOf(name, kind);
  const input = inputs.find((each) => replaces(output, each));
  if (input !== undefined) throw overwritten(output, input);
  const other = outputs.find((each) => replaces(output, each) || replaces(each, output));
  if (other !== undefined) {
    throw new InputError(`two outputs would be written here (the other is ${other.name})`, {
      file: output.name,
      remedy: 'Choose another place for one of them',
    });
  }
  outputs.push(output);
}

async function placeOf(name: string, kind: PlaceKind): Promise<Place> {
  // What is wrong with a path is said by who opens it.
  const path = await nodeFiles.resolveLinks(name).catch(() => resolve(name));
  const status = await stat(path, { bigint: true }).catch(() => undefined);
  return { kind, name, path, identity: status && `${status.dev} ${status.ino}` };
}

/** Whether writing the first takes the second, or a part of it, away. A folder is replaced with all that is in it. */
function replaces(output: Place, other: Place): boolean {
  if (output.path === other.path || (output.identity !== undefined && output.identity === other.identity)) {
    return true;
  }
  return output.kind === 'folder' && other.path.startsWith(output.path + sep);
}

function overwritten(output: Place, input: Place): InputError {
  const problem =
    output.kind === 'folder'
      ? 'this output folder would replace an input of the command'
      : 'this output would overwrite an input of the command';
  return new InputError(`${problem}${input.name === output.name ? '' : ` (${input.name})`}`, {
    file: output.name,
    remedy: 'Choose another place for the output',
  });
}
