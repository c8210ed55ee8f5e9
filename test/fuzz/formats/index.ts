import type { FuzzFormat } from '../format.ts';
import { documentFormats } from './documents.ts';
import { generationFormats } from './generation.ts';
import { importFormats } from './imports.ts';
import { judgmentFormats } from './judgments.ts';
import { modelFormats } from './models.ts';
import { pairFormats } from './pairs.ts';
import { queryFormats } from './queries.ts';
import { recipeFormats } from './recipes.ts';
import { reportFormat } from './reports.ts';
import { runFormat } from './runs.ts';
import { storedFormats } from './stored.ts';
import { torchFormat } from './torch-bin.ts';
import { listFormats } from './training-lists.ts';
import { zipFormats } from './zip.ts';

/** Every format that a file, a server or a mirror of a user's can have. */
export const formats: readonly FuzzFormat[] = [
  ...zipFormats,
  ...documentFormats,
  ...queryFormats,
  ...judgmentFormats,
  ...importFormats,
  runFormat,
  ...listFormats,
  ...pairFormats,
  ...recipeFormats,
  reportFormat,
  ...generationFormats,
  ...modelFormats,
  torchFormat,
  ...storedFormats,
];
