import type { FileFormat, ImportKind } from '../../import/types.ts';

export const formatNames: Readonly<Record<FileFormat, string>> = {
  csv: 'CSV',
  tsv: 'TSV',
  jsonl: 'JSON lines',
  json: 'JSON',
  parquet: 'Parquet',
  text: 'plain text',
  markdown: 'Markdown',
  html: 'HTML',
  pdf: 'PDF',
};

export const kindNames: Readonly<Record<ImportKind, string>> = {
  texts: 'Texts',
  'texts and questions': 'Texts and questions',
  benchmark: 'Texts, queries and judgments',
  'training lists': 'Training lists',
};
