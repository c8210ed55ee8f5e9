/** What people have, and what the studio takes of it. */
export const answers = [
  {
    name: 'texts',
    title: 'Texts only',
    about:
      'Texts become passages. The next step makes queries for them, from the texts themselves or with a language model.',
    accepts:
      'TXT, Markdown, HTML, PDF, CSV, TSV, JSON or Parquet. Long texts can be split into passages before anything is kept.',
  },
  {
    name: 'questions',
    title: 'Texts and questions',
    about:
      'A table with a question and its answer in each row, or texts and questions in files of their own. A fifth of the questions becomes the test.',
    accepts: 'CSV, TSV, JSON, JSONL or Parquet. You choose which column is the question and which the text.',
  },
  {
    name: 'benchmark',
    title: 'A benchmark',
    about:
      'A test collection with passages, queries and judgments. It is used as it is, with its own splits.',
    accepts:
      'A BEIR folder or zip (corpus.jsonl, queries.jsonl, qrels/), its files one by one, or TREC files of judgments beside texts.',
  },
  {
    name: 'lists',
    title: 'Training lists',
    about:
      'For each query, passages with labels or a teacher’s scores. They are used in the project of their corpus, or become a project of their own passages.',
    accepts: 'JSONL, one list per line: of this studio, of Tevatron, or of sentence-transformers.',
  },
] as const;
